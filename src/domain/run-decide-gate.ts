import { formatDuration } from "../kernel/time.ts";
import { actorName } from "./actor.ts";
import { mayDecide } from "./gate.ts";
import { draftOf, say, settle } from "./run-draft.ts";
import { keyOfActor, lateKey } from "./run-evolve-gate.ts";
import { goOn } from "./run-go-on.ts";
import { graphOf } from "./run-graph.ts";
import { definitionAt, stepOf } from "./run-tally.ts";
import type { GateApproval, GateState, RunEvent, RunInput, RunState, StepState } from "./run-types.ts";
import type { GateDefinition } from "./workflow-types.ts";

type InputOf<Type extends RunInput["type"]> = Extract<RunInput, { type: Type }>;
type Found = { readonly step: StepState; readonly gate: GateState; readonly definition: GateDefinition };
const NOTHING: readonly RunEvent[] = [];

/** The gate of this generation; another one is none of this input's business. */
function gateFor(
  state: RunState,
  { step: id, generation }: { readonly step: string; readonly generation: number },
): Found | undefined {
  const index = graphOf(state.order.definition).indexOf.get(id);
  if (index === undefined) return undefined;
  const step = stepOf(state, index);
  const { action } = definitionAt(state, index);
  if (!step.gate || step.generation !== generation || action.kind !== "approval") return undefined;
  return { step, gate: step.gate, definition: action.gate };
}

const isOpen = ({ step, gate }: Found) => step.status === "waiting" && gate.status === "open";

export function decideGate(state: RunState, input: InputOf<"decide-gate">): readonly RunEvent[] {
  const found = gateFor(state, input);
  if (!found) return NOTHING;
  const { gate, definition } = found;
  const { actor, at, decision, step, generation } = input;
  const hasApproved = gate.approvals.some((one) => keyOfActor(one.actor) === keyOfActor(actor));
  if (!isOpen(found)) return decidedBefore(found, input, hasApproved);
  if (!mayDecide(state.order, definition, actor, gate.escalated).allowed) return NOTHING;
  if (decision === "approve" && hasApproved) return NOTHING;
  const draft = draftOf(state);
  const decided = { type: "gate.decided", at, step, generation, actor } as const;
  const reason = input.reason === undefined ? {} : { reason: input.reason };
  if (decision === "approve") {
    say(draft, { type: "gate.approval", at, step, generation, actor, ...reason });
    const given = [...gate.approvals.map(approver), actorName(actor)];
    if (given.length < definition.min) return draft.events;
    say(draft, { ...decided, status: "approved", ...reason });
    const result = `approved by ${given.join(" and ")}${input.reason === undefined ? "" : `: ${input.reason}`}`;
    settle(draft, step, found.step, { status: "succeeded", at, result, by: actor });
  } else {
    say(draft, { ...decided, status: "rejected", ...reason });
    const said = `rejected by ${actorName(actor)}${input.reason === undefined ? "" : `: ${input.reason}`}`;
    settle(draft, step, found.step, { status: "failed", at, reason: said, by: actor });
  }
  return goOn(draft, at);
}

/** `@ada (fits the budget)`: the words of the last one follow all names. */
function approver({ actor, reason }: GateApproval): string {
  return `${actorName(actor)}${reason === undefined ? "" : ` (${reason})`}`;
}

/** The same decision again is no news; another one is kept. */
function decidedBefore(
  { gate }: Found,
  { decision, actor, at, step, generation }: InputOf<"decide-gate">,
  hasApproved: boolean,
): readonly RunEvent[] {
  const isOwn = gate.decidedBy !== undefined && keyOfActor(gate.decidedBy) === keyOfActor(actor);
  const isSame = decision === "approve" ? hasApproved : isOwn && gate.status === "rejected";
  if (isSame || gate.late?.includes(lateKey(decision, actor))) return NOTHING;
  return [{ type: "gate.late-decision", at, step, generation, decision, actor }];
}

/** A reminder that comes before its time was sent for an earlier one. */
export function remindGate(state: RunState, input: InputOf<"gate-reminder">): readonly RunEvent[] {
  const found = gateFor(state, input);
  const { remindAt } = found?.gate ?? {};
  if (!found || !isOpen(found) || remindAt === undefined || input.at < remindAt) return NOTHING;
  const { at, step, generation } = input;
  const next = reminderAfter(found.definition, at, found.gate.expiresAt);
  return [{ type: "gate.reminded", at, step, generation, ...next }];
}

function reminderAfter({ remindEveryMs }: GateDefinition, at: number, expiresAt: number) {
  const remindAt = remindEveryMs === undefined ? expiresAt : at + remindEveryMs;
  return remindAt < expiresAt ? { remindAt } : {};
}

export function expireGate(state: RunState, input: InputOf<"gate-expired">): readonly RunEvent[] {
  const found = gateFor(state, input);
  if (!found || !isOpen(found) || input.at < found.gate.expiresAt) return NOTHING;
  const { at, step, generation } = input;
  const { definition, gate } = found;
  const draft = draftOf(state);
  if (definition.onTimeout === "escalate" && !gate.escalated) {
    const expiresAt = at + definition.timeoutMs;
    const next = reminderAfter(definition, at, expiresAt);
    return [{ type: "gate.escalated", at, step, generation, expiresAt, ...next }];
  }
  const reason = `nobody decided within ${formatDuration(at - gate.openedAt)}`;
  say(draft, { type: "gate.decided", at, step, generation, status: "expired", reason });
  settle(draft, step, found.step, { status: "failed", at, reason });
  return goOn(draft, at);
}
