import type { Acl } from "../domain/acl.ts";
import { type Actor, callerOf } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { mayDecide } from "../domain/gate.ts";
import { isRunSettled, type RunInput, type RunOrder, type RunState } from "../domain/run-types.ts";
import { type RunView, viewOfRun } from "../domain/run-view.ts";
import { stepAt } from "../domain/run-work.ts";
import type { Settings } from "../domain/settings.ts";
import type { TaskOf } from "../domain/task-types.ts";
import { checkInputs } from "../domain/workflow-check.ts";
import { canonicalJson, digestOf, isRunId, newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { LONGEST_TIMER_MS } from "../kernel/time.ts";
import { type Engine, stateOf } from "./accept.ts";
import { createAgree, findWorkflow } from "./agree.ts";
import type { ChooseAgent } from "./choose-agent.ts";
import type { ExpectedMs } from "./expectations.ts";
import { decidedAlready, gateOf, notWhatWasShown, stepOrRefuse, whyNotDecided } from "./find-step.ts";
import { permit } from "./ownership.ts";
import { createPlanRun } from "./plan-run.ts";
import type { Ledger } from "./ports/ledger.ts";
import type {
  GateDecision,
  RetryOptions,
  RunQuery,
  RunVerbs,
  Seen,
  StartRunRequest,
  WorkflowEntry,
} from "./run-verbs.ts";
import { whyNotRerun, whyNotRetried } from "./run-why-not.ts";

const MOST_LISTED = 200;

export type RunVerbsDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly workflows: () => readonly WorkflowEntry[];
  readonly chooseAgent: ChooseAgent;
  readonly expectedMs: ExpectedMs;
  readonly settings: () => Pick<Settings, "taskQueue" | "models">;
  readonly now: () => number;
};

/** What makes it the same request when it is sent again. */
function digestFor(
  actor: Actor,
  { workflow, definition, deliver }: StartRunRequest,
  inputs: RunOrder["inputs"],
): string {
  const asked = {
    workflow: definition?.name ?? workflow.trim(),
    inputs,
    actor: callerOf(actor),
    deliver,
    ...(definition ? { made: definition.digest } : {}),
  };
  return digestOf(canonicalJson(asked));
}

/** The verbs for workflows and their runs, over one engine. */
export function createRunVerbs(deps: RunVerbsDeps): RunVerbs {
  const { engine, ledger, acl, now } = deps;

  const agree = createAgree(deps);

  async function startRun(actor: Actor, request: StartRunRequest, taskOf?: TaskOf) {
    // Of a task it was checked when that was posted.
    if (!taskOf) permit(acl(), actor, "workflow");
    const given = request.key ?? (request.runId ? { scope: "run", key: request.runId } : undefined);
    const before = given && (await ledger.keyOf(given.scope, given.key));
    if (before) return repeat(before.stream, await isSame(before, actor, request), given.key);
    const { definition, nested, inputs } = agree(actor, request);
    if (request.runId !== undefined && !isRunId(request.runId))
      throw new Refusal("invalid_input", "runId may hold letters, digits, dot, dash, underscore and tilde.");
    const startedAt = now();
    const id = request.runId ?? newId(`wf-${definition.name}`, startedAt);
    const digest = digestFor(actor, request, inputs);
    const order: RunOrder = {
      id,
      definition,
      nested,
      inputs,
      actor,
      origin: request.origin,
      deliver: request.deliver ?? true,
      startedAt,
      deadlineAt: startedAt + definition.limits.timeoutMs,
      depth: 1,
      digest,
      ...(request.card ? { card: request.card } : {}),
      ...(taskOf ? { taskOf } : {}),
    };
    const accepted = await engine.accept({
      kind: "run",
      stream: id,
      input: { type: "start", order },
      cause: given ? `${given.scope}:${given.key}` : `${request.origin.door}:${id}`,
      actor,
      isNew: request.runId === undefined,
      ...(given ? { key: { ...given, digest } } : {}),
    });
    if (accepted.repeats) return repeat(accepted.repeats.stream, accepted.repeats.same, given?.key ?? id);
    if (accepted.events.length === 0 || !accepted.state)
      return repeat(id, accepted.state?.order.digest === digest, id);
    return { run: viewOfRun(accepted.state), repeated: false };
  }

  /** By the definition that the run carries: the file may say something else by now, or be gone. */
  async function isSame(
    before: { readonly stream: string; readonly digest: string },
    actor: Actor,
    request: StartRunRequest,
  ): Promise<boolean> {
    const state = await engine.read("run", before.stream);
    const checked = state && checkInputs(state.order.definition, request.inputs);
    return checked?.ok === true && digestFor(actor, request, checked.inputs) === before.digest;
  }

  async function repeat(stream: string, isSame: boolean, key: string) {
    const state = await engine.read("run", stream);
    if (isSame && state) return { run: viewOfRun(state), repeated: true };
    throw new Refusal("key_reused", `${key} was used before for another request (${stream}).`, {
      hint: "Send the same request again to read its answer, or use a new id for a new one.",
    });
  }

  async function stateOrRefuse(id: string): Promise<RunState> {
    const state = await engine.read("run", id);
    if (state) return state;
    throw new Refusal("not_found", `There is no run ${id}.`, {
      hint: "`hq workflow status` lists the latest runs with their ids.",
    });
  }

  async function runs(query: RunQuery) {
    const limit = Math.max(1, Math.min(MOST_LISTED, query.limit ?? 50));
    const { workflow: agent, ...rest } = query;
    const { items, next } = await ledger.list({ ...rest, kind: "run", limit, ...(agent ? { agent } : {}) });
    return { items: items.map((loaded) => viewOfRun(stateOf("run", loaded))), ...(next ? { next } : {}) };
  }

  /** Resolves at the event that settles it or opens its last way on; looks once before, so nothing is missed. */
  async function waitRun(id: string, options: Parameters<RunVerbs["waitRun"]>[1]): Promise<RunView> {
    await stateOrRefuse(id);
    const isOver = (state: RunState) =>
      isRunSettled(state.status) ||
      (options.untilGate === true && ["gate", "answer"].includes(viewOfRun(state).waiting ?? ""));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(finish, Math.min(options.timeoutMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS));
      const unwatch = engine.watch(look, id);
      function finish() {
        clearTimeout(timer);
        unwatch();
        options.signal?.removeEventListener("abort", finish);
        resolve();
      }
      function look() {
        void engine.read("run", id).then((state) => {
          if (state && isOver(state)) finish();
        }, finish);
      }
      options.signal?.addEventListener("abort", finish, { once: true });
      if (options.signal?.aborted) finish();
      look();
    });
    return viewOfRun(await stateOrRefuse(id));
  }

  async function decideGate(actor: Actor, decision: GateDecision): Promise<RunView> {
    const state = await stateOrRefuse(decision.run);
    permit(acl(), actor, "approve");
    const { step, gate, shown } = gateOf(state, decision.step);
    const allowed = mayDecide(state.order, gate, actor, shown.escalated);
    if (!allowed.allowed) throw new Refusal("not_allowed", allowed.text, { hint: allowed.hint });
    if (!shown.isOpen) throw decidedAlready(state, step);
    if (decision.digest !== undefined && decision.digest !== shown.digest) throw notWhatWasShown(step);
    const input = {
      type: "decide-gate",
      at: now(),
      step,
      generation: shown.generation,
      decision: decision.decision,
      actor,
      ...(decision.reason ? { reason: decision.reason } : {}),
    } as const;
    const { state: after } = await change(decision.run, actor, input);
    // Two people, or two doors, at the same moment: one decided, the other is told who.
    const whyNot = whyNotDecided(after, input);
    if (whyNot) throw whyNot;
    return viewOfRun(after);
  }

  async function change(id: string, actor: Actor, input: RunInput) {
    const cause = `${input.type} ${id}`;
    const accepted = await engine.accept({ kind: "run", stream: id, input, cause, actor });
    return { events: accepted.events, state: accepted.state ?? (await stateOrRefuse(id)) };
  }

  async function cancelRun(actor: Actor, id: string, reason?: string): Promise<RunView> {
    const before = await stateOrRefuse(id);
    permit(acl(), actor, "cancel", { id, asker: before.order.actor });
    if (before.status === "canceled" || before.canceling) return viewOfRun(before);
    if (isRunSettled(before.status))
      throw new Refusal("already_settled", `${id} is already ${before.status}; there is nothing to cancel.`, {
        hint: `\`hq workflow status ${id}\` shows what came of it; \`hq workflow rerun ${id} --from <step>\` does a step and all that follows once more.`,
      });
    const input = { type: "cancel", at: now(), actor, reason: reason ?? "canceled on request" } as const;
    return viewOfRun((await change(id, actor, input)).state);
  }

  async function skipStep(actor: Actor, id: string, step: string): Promise<RunView> {
    const before = await stateOrRefuse(id);
    permit(acl(), actor, "override", { id, asker: before.order.actor, what: "skip a step of" });
    stepOrRefuse(before, step);
    const { events, state } = await change(id, actor, { type: "skip", at: now(), step, actor });
    if (events.length > 0) return viewOfRun(state);
    const status = stepAt(state, step)?.status ?? "pending";
    throw new Refusal("already_settled", `${step} of ${id} is already ${status}; it cannot be skipped.`, {
      hint: `\`hq workflow status ${id}\` shows what is still to come; \`hq workflow rerun ${id} --from ${step}\` does it once more.`,
    });
  }

  async function changeable(actor: Actor, id: string, what: string): Promise<RunState> {
    const state = await stateOrRefuse(id);
    permit(acl(), actor, "retry", { id, asker: state.order.actor, what });
    const { parent } = state.order;
    if (!parent || !isRunSettled(state.status)) return state;
    // What came of it was told to the run around it, which went on.
    throw new Refusal("already_settled", `${id} is over, and was the step ${parent.step} of ${parent.run}.`, {
      hint: `${what} that step there: \`hq workflow ${what} ${parent.run} ${what === "rerun" ? `--from ${parent.step}` : parent.step}\`.`,
    });
  }

  async function retryRun(actor: Actor, id: string, options: RetryOptions = {}): Promise<RunView> {
    const before = await changeable(actor, id, "retry");
    if (options.step !== undefined) stepOrRefuse(before, options.step);
    for (const step of Object.keys(options.tasks ?? {})) stepOrRefuse(before, step);
    const { events, state } = await change(id, actor, { type: "retry", at: now(), actor, ...options });
    const whyNot = events.length > 0 ? undefined : whyNotRetried(state, options);
    if (whyNot) throw whyNot;
    return viewOfRun(state);
  }

  async function rerun(actor: Actor, id: string, from: string, seen: Seen = {}): Promise<RunView> {
    const before = await changeable(actor, id, "rerun");
    stepOrRefuse(before, from);
    const at = now();
    const { events, state } = await change(id, actor, { type: "rerun", at, actor, from, ...seen });
    const whyNot = events.length > 0 ? undefined : whyNotRerun(state, { from, at, ...seen });
    if (whyNot) throw whyNot;
    return viewOfRun(state);
  }

  async function acceptPartial(actor: Actor, id: string): Promise<RunView> {
    const before = await stateOrRefuse(id);
    permit(acl(), actor, "override", { id, asker: before.order.actor, what: "accept what is partial of" });
    const { events, state } = await change(id, actor, { type: "accept-partial", at: now(), actor });
    if (events.length > 0) return viewOfRun(state);
    throw new Refusal("already_settled", `${id} does not wait for an answer.`, {
      hint: `That is asked after too many failures; \`hq workflow status ${id}\` shows what it waits for.`,
    });
  }

  return {
    workflows: deps.workflows,
    workflow: (name) => findWorkflow(deps.workflows(), name),
    planRun: createPlanRun({ ...deps, agree }),
    startRun,
    run: async (id) => viewOfRun(await stateOrRefuse(id)),
    runs,
    waitRun,
    decideGate,
    cancelRun,
    skipStep,
    retryRun,
    rerun,
    acceptPartial,
  };
}
