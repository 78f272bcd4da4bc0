import { canRead, type Registry } from "../domain/agent-card.ts";
import { slowAfterMs } from "../domain/expectation.ts";
import { ExpressionError } from "../domain/expression.ts";
import { modelText } from "../domain/model-choice.ts";
import type { FileOf } from "../domain/run-attachments.ts";
import type { Place, RunInput, RunOrder, RunState } from "../domain/run-types.ts";
import { childIdOf, composeInputs, composeTask, foreignInputsOf, kindOfChild } from "../domain/run-work.ts";
import { outcomeOfDelegation, outcomeOfRun } from "../domain/step-result.ts";
import type { TaskChildKind } from "../domain/task-types.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { checkInputs } from "../domain/workflow-check.ts";
import type { StepDefinition, TaskAction } from "../domain/workflow-types.ts";
import { isRefusal, Refusal, type RefusalCode } from "../kernel/refusal.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Engine } from "./accept.ts";
import { problemsRefusal } from "./agree.ts";
import { agentFor, definitionOf, isEnding, isWanted, startBy } from "./child-place.ts";
import { possibleAgents } from "./choose-agent.ts";
import type { Delegate } from "./delegate.ts";
import type { ExpectedMs } from "./expectations.ts";
import type { Outcome as Performed } from "./loop.ts";
import type { ClaimedOf } from "./perform.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Crash } from "./ports/log.ts";
import type { CheckStage } from "./stage-check.ts";
import type { StepFiles } from "./step-files.ts";

/** Without history, an agent is asked after half of its time. */
const WITHOUT_HISTORY = 0.25;
const TRY_AGAIN_MS = 5000;
const LONGEST_START_MS = 7 * 86_400_000;
/** What is so now and not for long: the step waits for it. */
export const PASSING: ReadonlySet<RefusalCode> = new Set([
  "no_discord",
  "ledger_trouble",
  "rate_limited",
  "stopping",
]);
/** Of these what is outside: no step waits longer for it than it may wait to begin. */
const OUTSIDE: ReadonlySet<RefusalCode> = new Set(["no_discord", "rate_limited"]);
const STOPPED = "everything is stopped";
const ENDED = "the run is ending";
const SYSTEM = { kind: "system", id: "engine" } as const;

export type RunChildrenDeps = {
  readonly engine: Engine;
  readonly delegate: Delegate;
  readonly expectedMs: ExpectedMs;
  readonly firstSteps: { readonly turn: (run: string) => Promise<void> };
  readonly registry: () => Registry;
  readonly stepFiles: StepFiles;
  readonly inbox: Pick<Inbox, "lookFor">;
  readonly checkStage: CheckStage;
  /** What follows a stage that has ended, if anything does. */
  readonly afterStage: (run: string, of: Place) => Promise<(() => Promise<void>) | undefined>;
  /** Everything is stopped: nothing begins. */
  readonly isHeld: () => Promise<boolean>;
  readonly now: () => number;
  readonly crash: Crash;
};

/** Makes the delegations and nested runs of a run's steps, tells the run what they came to, and cancels them. */
export function createRunChildren(deps: RunChildrenDeps) {
  const { engine, now, crash } = deps;

  function tellRun(run: string, input: RunInput, effect: { readonly id: string }) {
    const settles = [{ id: effect.id, outcome: input.type }];
    return engine.accept({ kind: "run", stream: run, input, cause: effect.id, settles });
  }

  /** The id of a child is derived, so making it twice is a no-op by state. */
  async function startChild(effect: ClaimedOf<"start-child">): Promise<Performed> {
    crash("start-child:claimed");
    const { type: _, run, ...of } = effect.body;
    await deps.firstSteps.turn(run);
    const state = await engine.read("run", run);
    if (!state) throw new Error(`start-child of ${run}, which has no events`);
    if (!isWanted(state, of)) return { kind: "done", outcome: "no longer wanted" };
    const child = childIdOf(run, of);
    const step = definitionOf(state, of);
    const refuse = async (text: string, problems: Refusal["problems"] = []): Promise<Performed> => {
      await tellRun(run, { type: "child-refused", at: now(), of, text, problems }, effect);
      return { kind: "recorded" };
    };
    if (await deps.isHeld()) {
      if (!state.canceling) return { kind: "again", dueAt: now() + TRY_AGAIN_MS, reason: STOPPED };
      // What would run after a cancel, as cleanup does, does not after an emergency stop.
      return refuse(STOPPED);
    }
    // One that was made before a crash is told of and canceled like any other.
    if (isEnding(state, of) && !(await engine.read(kindOfChild(step), child))) return refuse(ENDED);
    let started: { readonly agent?: string; readonly stallAt?: number; readonly model?: string };
    try {
      started = await make(state, step, of, child);
    } catch (error) {
      const refusal = refusalOf(error);
      const { code, message, hint, problems } = refusal;
      const text = hint ? `${message} ${hint}` : message;
      if (!PASSING.has(code)) return refuse(text, problems);
      const withinMs = OUTSIDE.has(code) ? startWithinMsOf(step) : Number.POSITIVE_INFINITY;
      const byAt = startBy(state, of, withinMs);
      if (now() >= byAt)
        return refuse(`${text} It could not begin within ${formatDuration(withinMs)} (start_within).`);
      return { kind: "again", dueAt: Math.min(now() + TRY_AGAIN_MS, byAt), reason: message };
    }
    crash("start-child:made");
    // When it was canceled, skipped or begun anew meanwhile, the decision is to cancel the child.
    await tellRun(run, { type: "child-started", at: now(), of, child, ...started }, effect);
    crash("start-child:recorded");
    return { kind: "recorded" };
  }

  async function make(state: RunState, step: StepDefinition, of: Place, child: string) {
    const { action } = step;
    if (action.kind === "task") return makeDelegation(state, action, of, child);
    if (action.kind === "workflow") return makeRun(state, action.workflow, of, child);
    throw new Error(`${step.id} is a step of kind ${action.kind}, which has no child`);
  }

  async function makeDelegation(state: RunState, action: TaskAction, of: Place, child: string) {
    const { order } = state;
    const made = await engine.read("delegation", child);
    if (made) return begun(viewOf(made), action);
    // What runs last, or whatever happened, has its own time when the run's is over.
    const remainingMs = state.canceling ? Number.POSITIVE_INFINITY : order.deadlineAt - now();
    if (remainingMs < 1000) throw new Refusal("timed_out", "The run's time is over.");
    const { objective, attachments, files } = composeTask(
      state,
      of,
      fileOf(state, { ...action, ...agentFor(state, action, of) }),
    );
    // Whoever is sent to a file finds it there, whatever became of the effect that writes it as well.
    for (const step of files) await deps.stepFiles.write(state, step);
    crash("start-child:filed");
    const { delegation } = await deps.delegate(
      order.actor,
      {
        ...agentFor(state, action, of),
        ...(action.capability === undefined ? {} : { capability: action.capability }),
        ...(action.fallback === undefined ? {} : { fallback: action.fallback }),
        ...(action.model === undefined ? {} : { model: action.model }),
        ...(action.template ? { template: action.template.name } : {}),
        objective,
        attachments,
        runId: child,
        timeoutMs: Math.max(1000, Math.min(action.timeoutMs, remainingMs)),
        startWithinMs: Math.min(action.startWithinMs ?? remainingMs, remainingMs, LONGEST_START_MS),
        retries: action.retry.maxAttempts - 1,
        validate: action.validate,
        format: action.format,
        deliver: false,
        workflow: { run: order.id, step: of.step },
        ifDown: "wait",
        origin: order.origin,
        ...(action.channelContext ? { channelContext: action.channelContext } : {}),
      },
      {
        childOf: { run: order.id, ...of },
        retryDelay: { ms: action.retry.delayMs, backoff: action.retry.backoff },
        ...(action.expect ? { expect: action.expect } : {}),
      },
    );
    return begun(delegation, action);
  }

  /** Files are named where whoever may get the work can read them. */
  function fileOf({ order }: RunState, action: TaskAction): FileOf {
    const cards = possibleAgents(deps.registry(), action);
    return (step) => {
      const path = deps.stepFiles.pathOf(order.id, step);
      return cards.length > 0 && cards.every((card) => canRead(card, path)) ? path : undefined;
    };
  }

  async function begun({ agent, model }: Pick<DelegationView, "agent" | "model">, action: TaskAction) {
    const stallAt = now() + slowAfterMs(await expectationOf(agent, action));
    return { agent, stallAt, ...(model ? { model: modelText(model) } : {}) };
  }

  async function expectationOf(agent: string, { timeoutMs }: TaskAction): Promise<number> {
    const known = await deps.expectedMs(agent);
    return known ?? Math.round(timeoutMs * WITHOUT_HISTORY);
  }

  async function makeRun(state: RunState, name: string, of: Place, child: string) {
    const { order } = state;
    const definition = order.nested[name];
    if (!definition) throw new Error(`${order.id} carries no definition of ${name}`);
    const checked = checkInputs(definition, composeInputs(state, of));
    if (!checked.ok)
      throw problemsRefusal("invalid_input", `The inputs of ${name} are not valid`, checked.problems);
    const startedAt = now();
    const foreignInputs = foreignInputsOf(state, of);
    const nested: RunOrder = {
      id: child,
      definition,
      nested: order.nested,
      inputs: checked.inputs,
      actor: order.actor,
      origin: order.origin,
      deliver: false,
      startedAt,
      deadlineAt: Math.min(
        state.canceling ? Number.POSITIVE_INFINITY : order.deadlineAt,
        startedAt + definition.limits.timeoutMs,
      ),
      parent: { run: order.id, ...of },
      depth: order.depth + 1,
      ...(foreignInputs.length > 0 ? { foreignInputs } : {}),
    };
    await engine.accept({
      kind: "run",
      stream: child,
      input: { type: "start", order: nested },
      cause: order.id,
      actor: order.actor,
    });
    return {};
  }

  async function tell(effect: ClaimedOf<"tell">): Promise<Performed> {
    crash("tell:claimed");
    const { run, child, kind } = effect.body;
    const found = await settledChild(kind, child);
    if (!found) throw new Error(`${child} tells ${run} of its end, and is open or has no events`);
    const { of } = found;
    const outcome = await deps.checkStage(run, of, found.outcome);
    const input = { type: "child-settled", at: now(), of, child, outcome } as const;
    const follow = await deps.afterStage(run, of);
    // With something to follow it is told again after a crash, which is no news to the run, until that is done too.
    if (follow) await engine.accept({ kind: "run", stream: run, input, cause: effect.id });
    else await tellRun(run, input, effect);
    crash("tell:recorded");
    if (!follow) return { kind: "recorded" };
    await follow();
    return { kind: "done", outcome: input.type };
  }

  async function settledChild(kind: "delegation" | "run", child: string) {
    if (kind === "delegation") {
      const state = await engine.read("delegation", child);
      const outcome = state && outcomeOfDelegation(state);
      return outcome && placeOf(state.order.childOf, outcome);
    }
    const state = await engine.read("run", child);
    const outcome = state && outcomeOfRun(state);
    return outcome && placeOf(state.order.parent, outcome);
  }

  async function cancelChild(effect: ClaimedOf<"cancel-child">): Promise<Performed> {
    const { child, kind, reason } = effect.body;
    // What was handed in before is done: a run ends with it, and not without it.
    if (kind === "delegation") await deps.inbox.lookFor(child);
    await cancel(child, kind, reason);
    return { kind: "done", outcome: "canceled" };
  }

  /** What was not made yet is not made any more: its place no longer wants it. */
  async function cancel(child: string, kind: TaskChildKind, reason: string): Promise<void> {
    const input = { type: "cancel", at: now(), actor: SYSTEM, reason } as const;
    if (!(await engine.read(kind, child))) return;
    await engine.accept({ kind, stream: child, input, cause: `cancel ${child}` });
  }

  return { startChild, tell, cancelChild };
}

function startWithinMsOf({ action }: StepDefinition): number {
  return Math.min(
    (action.kind === "task" ? action.startWithinMs : undefined) ?? LONGEST_START_MS,
    LONGEST_START_MS,
  );
}

function placeOf<T>(childOf: ({ readonly run: string } & Place) | undefined, outcome: T) {
  if (!childOf) return undefined;
  const { run: _, ...of } = childOf;
  return { of, outcome };
}

/** An expected no; anything else is thrown on. */
function refusalOf(error: unknown): Refusal {
  if (isRefusal(error)) return error;
  if (error instanceof ExpressionError) return new Refusal("invalid_input", error.message);
  throw error;
}
