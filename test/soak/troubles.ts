import { setTimeout as pause } from "node:timers/promises";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import type { Answer, Behaviour, HandIn } from "../chaos/agents.ts";

/** A random number from 0 to 1; the same seed gives the same ones. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the choices by weight, or what is usual for the rest of 1. */
function drawn<T>(random: () => number, usual: T, choices: readonly (readonly [number, T])[]): T {
  let left = random();
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  return usual;
}

const LONGEST_WORK_MS = 800;

const ANSWERS: readonly (readonly [number, Answer])[] = [
  [0.02, { kind: "status", status: 500 }],
  [0.02, { kind: "status", status: 429, retryAfterS: 1 }],
  [0.005, { kind: "hang" }],
  [0.01, { kind: "reset" }],
  [0.01, { kind: "done-then-reset" }],
];
const HAND_INS: readonly (readonly [number, HandIn])[] = [
  [0.015, "malformed"],
  [0.005, "wrong-run"],
  [0.02, "in-parts"],
];

export type Tally = Map<string, number>;
const count = (tally: Tally, what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);

/** Agents of which some answers and some first handoffs are not as they should be; later attempts are. */
export function troubledAgents(seed: number, tally: Tally, hangs: boolean): Behaviour {
  const random = seededRandom(seed);
  const answers = ANSWERS.filter(([, { kind }]) => hangs || kind !== "hang");
  return {
    answer() {
      const answer = drawn<Answer>(random, { kind: "ok" }, answers);
      if (answer.kind !== "ok")
        count(tally, `gateway: ${answer.kind === "status" ? `answers ${answer.status}` : answer.kind}`);
      return answer;
    },
    handIn({ attempt }) {
      const kind = attempt > 1 ? "good" : drawn<HandIn>(random, "good", HAND_INS);
      if (kind !== "good") count(tally, `handoff: ${kind}`);
      return kind;
    },
    worksMs: () => random() * LONGEST_WORK_MS,
  };
}

const POST = { method: "POST", path: "/messages" } as const;
type Trouble = readonly [name: string, everyMs: number, act: (guild: LocalGuild) => void];

const DISCORD: readonly Trouble[] = [
  ["429", 7000, ({ faults }) => faults.add({ ...POST, kind: "rate-limit", retryAfterMs: 500 })],
  ["500 before", 11_000, ({ faults }) => faults.add({ ...POST, kind: "status", status: 500 })],
  ["500 after", 13_000, ({ faults }) => faults.add({ ...POST, kind: "status", status: 500, after: true })],
  ["dropped after", 17_000, ({ faults }) => faults.add({ ...POST, kind: "drop" })],
  ["event twice", 19_000, ({ faults }) => faults.addEvent({ kind: "duplicate-event" })],
  ["gateway cut", 61_000, ({ faults }) => faults.dropGateway()],
  ["session over", 149_000, ({ faults }) => faults.invalidateSessions(false)],
];

/** Trouble in Discord, each kind in its own rhythm, until `signal` says that it is enough. */
export async function troubleDiscord(guild: LocalGuild, tally: Tally, signal: AbortSignal): Promise<void> {
  await Promise.all(
    DISCORD.map(async ([name, everyMs, act]) => {
      while (await passes(everyMs, signal)) {
        act(guild);
        count(tally, `Discord: ${name}`);
      }
    }),
  );
}

/** True when the time has passed, false when the signal came first. */
export async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
