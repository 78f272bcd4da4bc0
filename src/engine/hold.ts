import { type Actor, actorName } from "../domain/actor.ts";
import type { EffectType } from "../domain/effects.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Outcome, Perform } from "./loop.ts";
import type { Ledger } from "./ports/ledger.ts";

const MEMO = "hold";
/** What `/health/ready` has beside its other checks while everything is stopped. */
export const HOLD_CHECK = "hold";
export const HELD = {
  text: "Everything was stopped with `hq stop --now`.",
  hint: "`hq start` lets work begin again.",
} as const;
const LOOK_AGAIN_MS = 2000;
/** Effects with which work begins. */
const BEGINNINGS: ReadonlySet<EffectType> = new Set([
  "dispatch",
  "start-task",
  "task-claim",
  "run-worker",
  "carry-out",
]);

export type Hold = {
  readonly isOn: () => Promise<boolean>;
  readonly put: (actor: Actor) => Promise<void>;
  readonly clear: () => Promise<void>;
  /** Refuses new work while everything is stopped. */
  readonly refuse: () => Promise<void>;
  /** The same, except that nothing begins while everything is stopped. */
  readonly guard: (perform: Perform) => Perform;
};

/** Everything was stopped with `hq stop --now`: no work begins, in this life or the next, until `hq start`. */
export function createHold(deps: {
  readonly ledger: Pick<Ledger, "recall" | "remember" | "members">;
  readonly now: () => number;
}): Hold {
  const { ledger, now } = deps;
  let known: Promise<string> | undefined;

  const recall = () => ledger.recall(MEMO).then((text) => text ?? "");
  const read = () => {
    // Where others may stop everything too, nothing is remembered here.
    if (ledger.members) return recall();
    known ??= recall().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  const isOn = async () => (await read()) !== "";

  async function write(text: string): Promise<void> {
    known = Promise.resolve(text);
    await ledger.remember(MEMO, text);
  }

  return {
    isOn,
    put: (actor) => write(JSON.stringify({ at: now(), by: actorName(actor) })),
    async clear() {
      if (await isOn()) await write("");
    },
    async refuse() {
      if (!(await isOn())) return;
      throw new Refusal("held", HELD.text, { hint: HELD.hint });
    },
    guard: (perform) => async (effect) => {
      if (!BEGINNINGS.has(effect.body.type) || !(await isOn())) return perform(effect);
      const held: Outcome = { kind: "again", dueAt: now() + LOOK_AGAIN_MS, reason: "everything is stopped" };
      return held;
    },
  };
}
