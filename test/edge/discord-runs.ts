import type { TestContext } from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { type Actor, actorName } from "../../src/domain/actor.ts";
import type { GateRef } from "../../src/domain/effects.ts";
import type { GateView, RunView } from "../../src/domain/run-view.ts";
import type { WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import type { GateDecision, RunVerbs, StartRunRequest } from "../../src/engine/run-verbs.ts";
import { type Problem, Refusal } from "../../src/kernel/refusal.ts";
import { runWith, stepWith } from "../discord/run-fixture.ts";
import { cardEffect, type EdgeOptions, startEdge } from "./discord-fixture.ts";

export type Field = {
  readonly type: number;
  readonly custom_id: string;
  readonly style?: number;
  readonly value?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly max_length?: number;
  readonly options?: readonly { readonly value: string; readonly default?: boolean }[];
};
export type Interaction = {
  readonly id: string;
  readonly state: string;
  readonly message?: {
    readonly id: string;
    readonly content: string;
    readonly flags: number;
    readonly attachments: readonly { readonly url: string }[];
    readonly components: readonly {
      readonly components: readonly { readonly custom_id: string; readonly label: string }[];
    }[];
  };
  readonly modal?: {
    readonly custom_id: string;
    readonly title: string;
    readonly components: readonly {
      readonly label: string;
      readonly description?: string;
      readonly component: Field;
    }[];
  };
};

export const said = (interaction: Interaction) => interaction.message?.content ?? "";
export const fieldsOf = (interaction: Interaction) =>
  (interaction.modal?.components ?? []).map(({ component }) => component);
export const buttonsOf = (interaction: Interaction) => interaction.message?.components[0]?.components ?? [];

type Told = { readonly actor: Actor; readonly what: string; readonly run: string; readonly more?: unknown };

/** Verbs over a few views in memory, which remember what was asked of them. */
export function scriptedRuns(workflows: readonly WorkflowDefinition[], runs: Map<string, RunView>) {
  const started: { readonly actor: Actor; readonly request: StartRunRequest }[] = [];
  const told: Told[] = [];
  const keys = new Map<string, string>();
  const script = {
    problems: (_request: Pick<StartRunRequest, "workflow" | "inputs">): readonly Problem[] => [],
    mayDecide: (_actor: Actor): boolean => true,
    onStart: (_view: RunView): void => undefined,
  };
  const find = (id: string): RunView => {
    const view = runs.get(id);
    if (!view) throw new Refusal("not_found", `There is no run ${id}.`);
    return view;
  };
  const check = (request: Pick<StartRunRequest, "workflow" | "inputs">) => {
    const problems = script.problems(request);
    if (problems.length > 0) throw new Refusal("invalid_input", "cannot be started", { problems });
  };
  const tell = (actor: Actor, what: string, run: string, more?: unknown) => {
    told.push({ actor, what, run, ...(more === undefined ? {} : { more }) });
    return find(run);
  };
  const verbs: RunVerbs = {
    workflows: () => workflows.map((definition) => ({ name: definition.name, definition, problems: [] })),
    workflow(name) {
      const found = workflows.find((one) => one.name === name);
      if (!found)
        throw new Refusal("not_found", `There is no workflow "${name}".`, { hint: "Did you mean one?" });
      return found;
    },
    async planRun(_actor, request) {
      check(request);
      const cost = { words: 0, workers: 0, isAtLeast: false };
      return { workflow: request.workflow, inputs: request.inputs, waves: [], cost, warnings: [] };
    },
    async startRun(actor, request) {
      check(request);
      const key = `${request.key?.scope}:${request.key?.key}`;
      const before = runs.get(keys.get(key) ?? "");
      if (before) return { run: before, repeated: true };
      started.push({ actor, request });
      const run = runWith("running", [stepWith("research", "running")], {
        id: `wf-${request.workflow}-${started.length}`,
        workflow: request.workflow,
        inputs: request.inputs,
      });
      runs.set(run.id, run);
      keys.set(key, run.id);
      script.onStart(run);
      return { run, repeated: false };
    },
    run: async (id) => find(id),
    runs: async ({ open }) => ({
      items: [...runs.values()].filter(({ status }) => !open || status === "running"),
    }),
    waitRun: async (id) => find(id),
    async decideGate(actor, decision) {
      const view = find(decision.run);
      if (!script.mayDecide(actor)) {
        throw new Refusal("not_allowed", `${actorName(actor)} may not decide.`, { hint: "Ask an approver." });
      }
      const after = decided(view, decision, actor);
      tell(actor, decision.decision, view.id, decision);
      runs.set(view.id, after);
      return after;
    },
    cancelRun: async (actor, id, reason) => tell(actor, "cancel", id, reason),
    skipStep: async (actor, id, step) => tell(actor, "skip", id, step),
    retryRun: async (actor, id, options) => tell(actor, "retry", id, options),
    rerun: async (actor, id, from) => tell(actor, "rerun", id, from),
    acceptPartial: async (actor, id) => tell(actor, "accept", id),
  };
  return { verbs, started, told, script };
}

/** One decision for a gate; the second one is told who was first. */
function decided(view: RunView, { step, decision, digest, reason }: GateDecision, actor: Actor): RunView {
  const found = view.steps.find(({ id, gate }) => (step === undefined ? gate : id === step));
  const gate = found?.gate;
  if (!gate) throw new Refusal("not_found", "No gate waits.");
  if (gate.status !== "open") {
    throw new Refusal("already_settled", `${found.id} is already ${gate.status} by ${gate.decidedBy ?? ""}.`);
  }
  if (digest !== undefined && digest !== gate.digest) {
    throw new Refusal("already_settled", "That is not what you were shown.");
  }
  const now = Date.now();
  const approvals = decision === "approve" ? [...gate.approvals, { who: actorName(actor), at: now }] : [];
  const isOver = decision === "reject" || approvals.length >= gate.min;
  const next: GateView = {
    ...gate,
    approvals,
    ...(isOver
      ? {
          status: decision === "approve" ? "approved" : "rejected",
          decidedAt: now,
          decidedBy: actorName(actor),
          ...(reason ? { reason } : {}),
        }
      : {}),
  };
  const status = !isOver ? "waiting" : decision === "approve" ? "succeeded" : "failed";
  const steps = view.steps.map((one) => (one.id === found.id ? { ...one, status, gate: next } : one));
  return { ...view, steps: steps as RunView["steps"] };
}

/** The real edge on a real guild over scripted runs; a run's card is posted at once, as the loop would do it. */
export async function startWithRuns(
  t: TestContext,
  workflows: readonly WorkflowDefinition[] = [],
  options: EdgeOptions = {},
) {
  const runs = new Map<string, RunView>();
  const stage = scriptedRuns(workflows, runs);
  const base = await startEdge(t, {
    ...options,
    verbs: { delegations: async () => ({ items: [] }), runs: stage.verbs, ...options.verbs },
  });
  const { ledger, act, edge, guild } = base;
  const show = (view: RunView) => {
    runs.set(view.id, view);
    ledger.runs.set(view.id, view);
  };
  stage.script.onStart = (view) => {
    show(view);
    const body = { type: "card", run: view.id, to: { channel: "technical" } } as const;
    void edge.perform.card(cardEffect(view.id, { body }));
  };
  const where = { as: "you", channel: "technical", wait: true };
  /** Brings a gate's message up to date, as the loop would do it. */
  const showGate = (run: string, gate: GateRef) => {
    const view = runs.get(run);
    if (view) ledger.runs.set(run, view);
    const body = { type: "card", run, to: { role: "approvals" }, gate } as const;
    return edge.perform.card(cardEffect(run, { body }));
  };
  return {
    ...base,
    ...stage,
    runs,
    show,
    showGate,
    command: (name: string, given: object = {}, more: object = {}) =>
      act<Interaction>("commands", { ...where, name, options: given, ...more }),
    press: (message: string, custom_id: string, more: object = {}) =>
      act<Interaction>("components", { ...where, message, custom_id, ...more }),
    submit: (form: Interaction, fields: object, more: object = {}) =>
      act<Interaction>("modals", { as: "you", wait: true, interaction: form.id, fields, ...more }),
    suggest: async (name: string, focused: string, given: Record<string, string> = {}) => {
      const body = { channel: "technical", name, focused, options: { [focused]: "", ...given } };
      return (await act<{ choices: { name: string; value: string }[] }>("autocomplete", body)).choices;
    },
    /** All messages of a channel as their texts, oldest first. */
    texts: (channel: string) =>
      guild.inspect.messages(channel).map((message) => textsOf(message as never).join("\n")),
  };
}
