import type { Decider } from "../kernel/decider.ts";
import type { Actor } from "./actor.ts";
import type { DelegationStatus } from "./delegation-types.ts";
import type { Effect } from "./effects.ts";
import type { Payload } from "./payload.ts";

/** So many turns fit; then a new session is to be begun. */
export const MOST_TURNS = 500;

export type Turn = {
  /** From 1. */
  readonly turn: number;
  readonly at: number;
  /** Kept until its delegation has ended, which has it too. */
  readonly data?: Payload;
  /** Of what was asked, and the key under which it was: asking it again is the same turn. */
  readonly digest: string;
  readonly key?: string;
  readonly actor: Actor;
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly answeredAt?: number;
  /** How its delegation ended; `refused` when none could be made. */
  readonly status?: DelegationStatus | "refused";
};

/** A conversation with one agent, turn after turn. */
export type SessionState = {
  readonly id: string;
  readonly agent: string;
  readonly instance: string;
  readonly actor: Actor;
  readonly at: number;
  readonly status: "open" | "busy" | "closed";
  /** Whether the agent's own gateway remembers the turns; otherwise each turn brings the earlier ones along. */
  readonly persistent: boolean;
  readonly turns: readonly Turn[];
};

export type SessionInput =
  | ({ readonly type: "spawn" } & Pick<
      SessionState,
      "id" | "agent" | "instance" | "actor" | "at" | "persistent"
    >)
  /** Means nothing while an earlier turn runs, or when the session is closed or full. */
  | ({ readonly type: "ask" } & Omit<Turn, "turn" | "answeredAt" | "status">)
  | {
      readonly type: "answered";
      readonly at: number;
      readonly turn: number;
      readonly status: NonNullable<Turn["status"]>;
    }
  | { readonly type: "close"; readonly at: number };

export type SessionEvent =
  | (Omit<Extract<SessionInput, { type: "spawn" }>, "type"> & { readonly type: "session.spawned" })
  | (Omit<Extract<SessionInput, { type: "ask" }>, "type"> & {
      readonly type: "turn.asked";
      readonly turn: number;
    })
  | (Omit<Extract<SessionInput, { type: "answered" }>, "type"> & { readonly type: "turn.answered" })
  | { readonly type: "session.closed"; readonly at: number };

export const sessionStream = (session: string) => `session-${session}`;

/** The delegation that carries a turn. */
export function turnIdOf(session: string, turn: number): string {
  return `${sessionStream(session)}.t${turn}`;
}

export function openTurn({ turns }: SessionState): Turn | undefined {
  const last = turns.at(-1);
  return last && last.status === undefined ? last : undefined;
}

/** The turn that was asked under a key. */
export function turnWithKey({ turns }: SessionState, key: string): Turn | undefined {
  return turns.find((turn) => turn.key === key);
}

function decide(state: SessionState | undefined, input: SessionInput): readonly SessionEvent[] {
  if (input.type === "spawn") return state ? [] : [{ ...input, type: "session.spawned" }];
  if (!state) return [];
  switch (input.type) {
    case "ask":
      if (state.status !== "open" || state.turns.length >= MOST_TURNS) return [];
      return [{ ...input, type: "turn.asked", turn: state.turns.length + 1 }];
    case "answered":
      return openTurn(state)?.turn === input.turn ? [{ ...input, type: "turn.answered" }] : [];
    case "close":
      return state.status === "closed" ? [] : [{ ...input, type: "session.closed" }];
  }
}

function evolve(state: SessionState | undefined, event: SessionEvent): SessionState {
  if (event.type === "session.spawned") {
    const { type: _, ...rest } = event;
    return { ...rest, status: "open", turns: [] };
  }
  if (!state) throw new Error(`${event.type} before session.spawned`);
  switch (event.type) {
    case "turn.asked": {
      const { type: _, ...turn } = event;
      return { ...state, status: "busy", turns: [...state.turns, turn] };
    }
    case "turn.answered": {
      const turns = state.turns.map(({ data, ...turn }) => {
        if (turn.turn !== event.turn) return data === undefined ? turn : { ...turn, data };
        return { ...turn, answeredAt: event.at, status: event.status };
      });
      return { ...state, status: state.status === "closed" ? "closed" : "open", turns };
    }
    case "session.closed":
      return { ...state, status: "closed" };
  }
}

export const session: Decider<SessionState, SessionInput, SessionEvent, Effect> = {
  decide,
  evolve,
  effects: () => [],
};
