import { valuesOf } from "../kernel/vector.ts";
import type { AuditContext, AuditedStream, Finding, MendAct, OpenEffect } from "./audit-types.ts";
import { currentAttempt } from "./delegation.ts";
import type { DelegationState } from "./delegation-types.ts";
import type { Effect } from "./effects.ts";
import { definitionAt } from "./run-tally.ts";
import type { Place, RunState, WorkState } from "./run-types.ts";
import { childIdOf, kindOfChild } from "./run-work.ts";
import { type TaskState, taskChildOf } from "./task-types.ts";

/** Open work of which nothing will come any more: no effect, no wake, no child that would tell it. */
export function lostWays(stream: AuditedStream, context: AuditContext): readonly Finding[] {
  if (!stream.open || stream.state === undefined) return [];
  switch (stream.kind) {
    case "delegation":
      return delegation(stream, stream.state as DelegationState);
    case "run":
      return run(stream, stream.state as RunState, context);
    case "task":
      return task(stream, stream.state as TaskState, context);
    case "worker":
      return has(stream.effects, "run-worker")
        ? []
        : [lost(stream.id, `a ${stream.status} worker that nobody begins or watches`, again("cancel"))];
    default:
      return [];
  }
}

const again = (verb: string) => (id: string) => `hq ${verb} ${id}`;

function lost(id: string, reason: string, mend: (id: string) => string, act?: MendAct): Finding {
  return { fault: "lost", id, reason, mend: act ? MEND : mend(id), ...(act ? { act } : {}) };
}

export const MEND = "hq audit --mend";
export const ACCEPT = "hq audit --accept";

function has(effects: readonly OpenEffect[], ...types: readonly OpenEffect["type"][]): boolean {
  return effects.some(({ type }) => types.includes(type));
}

function delegation(stream: AuditedStream, state: DelegationState): readonly Finding[] {
  const { id, effects, wakeAt } = stream;
  const { attempt, dispatchedAt, sends, ambiguous, deferrals } = currentAttempt(state);
  if (dispatchedAt !== undefined) {
    if (wakeAt !== undefined) return [];
    return [lost(id, "it is with its agent, and nothing would notice its deadline", again("cancel"))];
  }
  if (has(effects, "dispatch", "reconcile")) return [];
  const reason = `attempt ${attempt} waits to be sent, and nothing will send it`;
  // What may have been sent is never sent again from here.
  const isUnsent = sends === 0 && !ambiguous;
  const reroutes = state.reroutes?.length ?? 0;
  const act = isUnsent ? ({ type: "put-back", run: id, attempt, deferrals, reroutes } as const) : undefined;
  return [lost(id, reason, again("cancel"), act)];
}

function run(stream: AuditedStream, state: RunState, context: AuditContext): readonly Finding[] {
  const found: Finding[] = [];
  // One that is being canceled ends with its children.
  if (!state.canceling && !has(stream.effects, "run-timer")) {
    found.push(lost(stream.id, "a run without any timer: nothing would end it", again("workflow cancel")));
  }
  let index = 0;
  for (const step of valuesOf(state.steps)) {
    const definition = definitionAt(state, index++);
    const { kind } = definition.action;
    if (kind !== "task" && kind !== "workflow") continue;
    const places: readonly (readonly [Place, WorkState])[] = step.items
      ? [...valuesOf(step.items)].map((work, item) => [
          { step: definition.id, item, generation: step.generation },
          work,
        ])
      : [[{ step: definition.id, generation: step.generation }, step]];
    for (const [place, work] of places) {
      if (work.status === "running") {
        found.push(...running(stream, place, kindOfChild(definition), context));
      }
    }
  }
  return found;
}

function running(
  { id, effects }: AuditedStream,
  place: Place,
  kind: "delegation" | "run",
  { standing, effectsOf, now }: AuditContext,
): readonly Finding[] {
  const child = childIdOf(id, place);
  const isStarting = effects.some(
    ({ body }) => body.type === "start-child" && body.step === place.step && body.item === place.item,
  );
  if (isStarting) return [];
  const stands = standing(child);
  const { step, item } = place;
  const where = item === undefined ? step : `${step}, item ${item}`;
  if (!stands) {
    const effect: Effect = { body: { type: "start-child", run: id, ...place }, lane: "any", dueAt: now };
    return [
      {
        ...lost(child, `${id} waits at ${where} for it, and it is not there`, String, {
          type: "effect",
          effect,
        }),
        of: id,
      },
    ];
  }
  if (stands.open || has(effectsOf(child), "tell")) return [];
  const effect: Effect = { body: { type: "tell", run: id, child, kind }, lane: "any", dueAt: now };
  return [
    {
      ...lost(child, `it is ${stands.status}, and ${id} was never told so at ${where}`, String, {
        type: "effect",
        effect,
      }),
      of: id,
    },
  ];
}

function task(stream: AuditedStream, state: TaskState, context: AuditContext): readonly Finding[] {
  const { id, effects } = stream;
  if (state.status === "open") {
    if (!state.claiming || has(effects, "task-claim")) return [];
    return [
      lost(
        id,
        `try ${state.claiming.number} is to be claimed, and nothing claims it`,
        again("queue trigger"),
      ),
    ];
  }
  const latest = state.tries.at(-1);
  if (!latest || latest.outcome || has(effects, "start-task")) return [];
  const child = taskChildOf(id, latest.number, latest.executor);
  const stands = context.standing(child.id);
  const dueAt = context.now;
  if (!stands) {
    const body = { type: "start-task", task: id, try: latest.number } as const;
    const act: MendAct = { type: "effect", effect: { body, lane: "any", dueAt } };
    return [{ ...lost(child.id, `${id} waits for it, and it is not there`, String, act), of: id }];
  }
  if (stands.open || has(context.effectsOf(child.id), "tell-task")) return [];
  const body = {
    type: "tell-task",
    task: id,
    try: latest.number,
    child: child.id,
    kind: child.kind,
  } as const;
  const act: MendAct = { type: "effect", effect: { body, lane: "any", dueAt } };
  return [{ ...lost(child.id, `it is ${stands.status}, and ${id} was never told so`, String, act), of: id }];
}
