import { type Actor, actorName, callerOf } from "../../src/domain/actor.ts";
import type { RunPlan } from "../../src/domain/run-plan.ts";
import { isRunSettled } from "../../src/domain/run-types.ts";
import type { GateView, RunView, StepView } from "../../src/domain/run-view.ts";
import type { WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import type { RunVerbs, StartRunRequest, WorkflowEntry } from "../../src/engine/run-verbs.ts";
import { canonicalJson, digestOf } from "../../src/kernel/id.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { cursor } from "./api-scripted-tasks.ts";

const task = (agent: string) => ({
  kind: "task" as const,
  agent,
  task: "Do it",
  timeoutMs: 300_000,
  retry: { maxAttempts: 2, delayMs: 0, backoff: "fixed" as const },
  validate: false,
  format: "json" as const,
});
const plain = { continueOnError: false, cleanup: false };

/** Two reviews side by side, a gate, and what follows it. */
export const REVIEW: WorkflowDefinition = {
  name: "design-review",
  description: "Two reviews side by side; the auditor consolidates after sign-off.",
  inputs: [
    { name: "design", type: "string", description: "Link or text", required: true, maxLength: 4000 },
    {
      name: "depth",
      type: "choice",
      description: "",
      required: false,
      default: "normal",
      options: ["quick", "normal"],
    },
  ],
  limits: { maxParallel: 4, timeoutMs: 7_200_000, maxFailures: 3 },
  steps: [
    { id: "technical", needs: [], ...plain, action: task("tech-lead") },
    { id: "optimization", needs: [], ...plain, continueOnError: true, action: task("webster") },
    {
      id: "sign-off",
      needs: ["technical", "optimization"],
      ...plain,
      action: {
        kind: "approval",
        gate: {
          prompt: "Consolidate now?",
          approvers: ["role:engineering"],
          min: 1,
          preventSelfApproval: true,
          timeoutMs: 86_400_000,
          onTimeout: "reject",
          escalateTo: [],
        },
      },
    },
    {
      id: "end",
      needs: ["sign-off"],
      ...plain,
      if: "${{ inputs.depth != 'quick' }}",
      action: task("manager"),
    },
  ],
  output: { step: "end" },
  schedules: [],
  digest: "d1",
};

const OPEN_GATE: GateView = {
  status: "open",
  prompt: "Consolidate now?\nTwo reviews are there.",
  digest: "0123456789ab",
  approvers: ["role:engineering"],
  min: 1,
  approvals: [],
  openedAt: 2000,
  expiresAt: 86_402_000,
  escalated: false,
};

type Call = { readonly verb: keyof RunVerbs; readonly actor: Actor; readonly said: unknown };

/** The verbs of runs without an engine: a run stands still until the test moves it. */
export function createScriptedRuns(deps: {
  readonly record: (stream: string, type: string, body: unknown, actor?: string) => void;
  readonly watch: (listener: () => void) => () => void;
}) {
  const entries: WorkflowEntry[] = [
    { name: REVIEW.name, definition: REVIEW, problems: [] },
    {
      name: "broken",
      problems: ["workflows/broken.yaml:3:5: steps.a: unknown agent webstr, did you mean webster?"],
    },
  ];
  const views = new Map<string, RunView>();
  const keys = new Map<string, { readonly id: string; readonly digest: string }>();
  const calls: Call[] = [];

  function definitionOf(name: string): WorkflowDefinition {
    const definition = entries.find((entry) => entry.name === name)?.definition;
    if (definition) return definition;
    throw new Refusal("not_found", `There is no workflow "${name}".`, {
      hint: "Did you mean design-review?",
    });
  }

  function viewFor(id: string): RunView {
    const view = views.get(id);
    if (view) return view;
    throw new Refusal("not_found", `There is no run ${id}.`, { hint: "hq workflow status" });
  }

  function change(id: string, more: Partial<RunView>, type = "run.changed"): RunView {
    const view = { ...viewFor(id), ...more };
    views.set(id, view);
    deps.record(id, type, more);
    return view;
  }

  function step(id: string, name: string, more: Partial<StepView>): RunView {
    const { steps, progress } = viewFor(id);
    const after = steps.map((one) => (one.id === name ? { ...one, ...more } : one));
    const settled = after.filter(({ status }) => !["pending", "running", "waiting"].includes(status)).length;
    const running = after.filter(({ status }) => status === "running").length;
    return change(id, { steps: after, progress: { ...progress, settled, running } }, "step.changed");
  }

  function openGate(id: string): RunView {
    step(id, "sign-off", { status: "waiting", startedAt: 2000, gate: OPEN_GATE });
    return change(id, { waiting: "gate" });
  }

  function settle(id: string, more: Partial<RunView> & Pick<RunView, "status">): RunView {
    const { waiting: _, ...view } = viewFor(id);
    views.set(id, view);
    return change(id, { settledAt: 9000, ...more }, "run.settled");
  }

  function checked(request: Pick<StartRunRequest, "workflow" | "inputs">) {
    const definition = definitionOf(request.workflow);
    const known = new Set(definition.inputs.map(({ name }) => name));
    const problems = [
      ...Object.keys(request.inputs)
        .filter((name) => !known.has(name))
        .map((name) => ({ path: `inputs.${name}`, message: "unknown input" })),
      ...(request.inputs.design === undefined ? [{ path: "inputs.design", message: "is needed" }] : []),
    ];
    if (problems.length > 0)
      throw new Refusal("invalid_input", `${definition.name} cannot be started.`, { problems });
    return definition;
  }

  function refuseAgents(actor: Actor): void {
    if (actor.kind === "agent")
      throw new Refusal("not_allowed", "Agents never decide.", { hint: "Ask a person." });
  }

  const note = (verb: keyof RunVerbs, actor: Actor, said: unknown) => void calls.push({ verb, actor, said });

  const runs: RunVerbs = {
    workflows: () => entries,
    workflow: definitionOf,
    async planRun(actor, request) {
      note("planRun", actor, request);
      const definition = checked(request);
      const steps = definition.steps.map(({ id, needs, action }) => ({ id, needs, kind: action.kind }));
      const plan: RunPlan = {
        workflow: definition.name,
        inputs: request.inputs,
        waves: [
          steps
            .slice(0, 2)
            .map((one) => ({ ...one, agent: "webster", why: "named by the step", estimatedMs: 60_000 })),
          [{ ...(steps[2] as (typeof steps)[0]), approvers: ["role:engineering"] }],
          [{ ...(steps[3] as (typeof steps)[0]), agent: "manager", why: "named by the step", if: "a" }],
        ],
        estimatedMs: 120_000,
        cost: { words: 30, workers: 2, isAtLeast: true },
        warnings: ["steps.end compares free text"],
      };
      return plan;
    },
    async startRun(actor, request) {
      note("startRun", actor, request);
      const definition = checked(request);
      const { key, runId, ...content } = request;
      const digest = digestOf(canonicalJson(content));
      const known = keys.get(key ? `${key.scope}/${key.key}` : "") ?? keys.get(`run/${runId}`);
      if (known && known.digest !== digest)
        throw new Refusal("key_reused", "That key was used for other work.");
      if (known) return { run: viewFor(known.id), repeated: true };
      const id = runId ?? `wf-${definition.name}-${String(views.size + 1).padStart(4, "0")}`;
      if (key) keys.set(`${key.scope}/${key.key}`, { id, digest });
      keys.set(`run/${id}`, { id, digest });
      views.set(id, {
        id,
        workflow: definition.name,
        status: "running",
        caller: callerOf(actor),
        asker: actorName(actor),
        inputs: request.inputs,
        startedAt: 1000,
        deadlineAt: 7_201_000,
        steps: definition.steps.map(({ id, needs, action }) => ({
          id,
          kind: action.kind,
          status: "pending",
          needs,
          generation: 1,
          ...(action.kind === "task" && action.agent ? { agent: action.agent } : {}),
        })),
        progress: { settled: 0, total: definition.steps.length, running: 0 },
        round: 1,
        resumes: 0,
        missing: [],
        deliver: request.deliver ?? true,
        origin: request.origin,
      });
      deps.record(id, "run.started", { order: { id } }, callerOf(actor));
      return { run: viewFor(id), repeated: false };
    },
    run: async (id) => viewFor(id),
    async runs({ status, workflow, open, before, limit = 50 }) {
      const until = before === undefined ? undefined : cursor(before);
      const all = [...views.values()]
        .reverse()
        .filter((view) => !status || status.includes(view.status))
        .filter((view) => !workflow || view.workflow === workflow)
        .filter((view) => open === undefined || open === !isRunSettled(view.status))
        .filter((view) => until === undefined || view.id < until);
      const items = all.slice(0, limit);
      const last = items.at(-1);
      return all.length > items.length && last ? { items, next: last.id } : { items };
    },
    async waitRun(id, { timeoutMs, untilGate, signal }) {
      const isOver = () => {
        const view = viewFor(id);
        return isRunSettled(view.status) || (untilGate === true && view.waiting === "gate");
      };
      isOver();
      await new Promise<void>((resolve) => {
        if (isOver() || signal?.aborted) return resolve();
        const timer = setTimeout(finish, timeoutMs ?? 60_000);
        const stop = deps.watch(() => {
          if (isOver()) finish();
        });
        signal?.addEventListener("abort", finish, { once: true });
        function finish(): void {
          clearTimeout(timer);
          stop();
          resolve();
        }
      });
      return viewFor(id);
    },
    async decideGate(actor, decision) {
      note("decideGate", actor, decision);
      refuseAgents(actor);
      const view = viewFor(decision.run);
      const { gate, id } = view.steps.find((one) => one.id === decision.step) ?? view.steps[0] ?? { id: "?" };
      if (!gate) throw new Refusal("not_found", `${id} is no gate.`);
      if (gate.status !== "open")
        throw new Refusal("already_settled", `${id} was ${gate.status} by ${gate.decidedBy}.`);
      if (decision.digest !== undefined && decision.digest !== gate.digest)
        throw new Refusal("already_settled", `What waits at ${id} is not what you were shown.`);
      const status = decision.decision === "approve" ? "approved" : "rejected";
      const { waiting: _, ...rest } = view;
      views.set(view.id, rest);
      return step(view.id, id, {
        status: status === "approved" ? "succeeded" : "failed",
        settledAt: 5000,
        by: actorName(actor),
        ...(decision.reason ? { reason: decision.reason } : {}),
        gate: { ...gate, status, decidedBy: actorName(actor), decidedAt: 5000 },
      });
    },
    async cancelRun(actor, id, reason) {
      note("cancelRun", actor, { id, reason });
      if (isRunSettled(viewFor(id).status)) throw new Refusal("already_settled", `${id} is settled.`);
      return settle(id, { status: "canceled", reason: reason ?? "canceled on request" });
    },
    async skipStep(actor, id, name) {
      note("skipStep", actor, { id, step: name });
      return step(id, name, { status: "skipped", settledAt: 3000, by: actorName(actor) });
    },
    async retryRun(actor, id, options) {
      note("retryRun", actor, { id, ...options });
      const { stopped: _, waiting: __, settledAt: ___, ...view } = viewFor(id);
      views.set(id, view);
      return change(id, { status: "running" }, "run.resumed");
    },
    async rerun(actor, id, from, seen) {
      note("rerun", actor, { id, from, ...seen });
      return step(id, from, { status: "running", generation: 2 });
    },
    async acceptPartial(actor, id) {
      note("acceptPartial", actor, { id });
      return settle(id, { status: "partial", missing: ["end was not done."] });
    },
  };

  return { verbs: runs, calls, entries, change, step, openGate, settle };
}

export type ScriptedRuns = ReturnType<typeof createScriptedRuns>;
