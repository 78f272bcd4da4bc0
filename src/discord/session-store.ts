import type { SessionInfo } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { digestOf, newId } from "../kernel/id.ts";
import { inTime } from "../kernel/in-time.ts";
import type { Memory } from "./tasks-read.ts";

const MEMO = "discord/session";
const EVERY_MS = 1000;
/** Discord ends a session that nobody is connected to after some minutes; an older one is not worth a try. */
const RESUMABLE_MS = 10 * 60_000;
/** After three seconds Discord tells the person that it failed: until then an interaction may still be answered. */
const ANSWERABLE_MS = 3000;
/** A ledger that does not answer keeps no connection waiting for longer. */
const ASKED_MS = 2000;

/** Where the session is kept, and whether it is ours to take and to keep: of several only the one that leads may. */
export type SessionMemory = Memory & { readonly isOurs: () => boolean };

type Kept = SessionInfo & {
  /** Which connection has it. */
  readonly by: string;
  readonly at: number;
  /** What it was begun with: another token or other intents need a session of their own. */
  readonly begunWith: string;
};

export type SessionStore = {
  /** A session that somebody left, when it may still be good. */
  readonly left: () => Promise<SessionInfo | undefined>;
  /** It is ours from now on: whoever had it finds it taken. */
  readonly take: (session: SessionInfo) => Promise<void>;
  /** Whether another connection went on with a session of ours. */
  readonly isTaken: (session: SessionInfo) => Promise<boolean>;
  /** What discord.js has; kept soon, at most once a second. Null = Discord ended it. */
  readonly change: (session: SessionInfo | null) => void;
  /** An event of this number may be needed again: for so long the session is kept as it was before it. */
  readonly hold: (sequence: number) => void;
  /** It is still good, although nothing happens. */
  readonly touch: () => void;
  /** Whether somebody else may go on with our session. */
  readonly isKept: () => boolean;
  /** Keeps what is not kept yet, if the ledger answers soon. */
  readonly flush: () => Promise<void>;
};

/** Keeps the gateway's session in the ledger for the next connection: of this process, or of whoever leads then. */
export function createSessionStore(deps: {
  readonly memory: SessionMemory;
  readonly token: string;
  readonly intents: number;
  readonly now: () => number;
  readonly log: Log;
}): SessionStore {
  const { memory, now, log } = deps;
  const by = newId("session", now());
  const begunWith = digestOf(`${deps.token}\n${deps.intents}`).slice(0, 16);
  let current: SessionInfo | null = null;
  /** What the ledger has of us: session and sequence; undefined = nothing. */
  let kept: Pick<SessionInfo, "sessionId" | "sequence"> | undefined;
  let held: readonly { readonly sequence: number; readonly at: number }[] = [];
  let isStale = false;
  let isFailing = false;
  let wroteAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  async function recall(): Promise<Kept | undefined> {
    try {
      const text = await inTime(ASKED_MS, memory.recall(MEMO), "late");
      if (text !== "late") return text ? (JSON.parse(text) as Kept) : undefined;
      log.warn({}, "the ledger is slow to say which Discord session there is");
    } catch (error) {
      log.warn({ err: error }, "the ledger does not say which Discord session there is");
    }
    return undefined;
  }

  function wanted(): SessionInfo | undefined {
    held = held.filter(({ at }) => Math.abs(now() - at) < ANSWERABLE_MS);
    if (!current) return undefined;
    const sequence = Math.min(current.sequence, ...held.map((one) => one.sequence - 1));
    return { ...current, sequence };
  }

  function isNews(next: SessionInfo | undefined): boolean {
    return isStale || next?.sessionId !== kept?.sessionId || next?.sequence !== kept?.sequence;
  }

  /** Never at once: an event is announced by its number before it is known what it is. */
  function soon(atLeastMs = 0): void {
    const isLater = held.length > 0 || isNews(wanted());
    if (timer || writing || !isLater) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void write();
        // Whoever is held is looked at again until nobody is.
        if (held.length > 0) soon(EVERY_MS);
      },
      Math.max(atLeastMs, wroteAt + EVERY_MS - performance.now()),
    );
    timer.unref();
  }

  function write(): Promise<void> | undefined {
    const next = wanted();
    if (writing || !memory.isOurs() || !isNews(next)) return writing;
    isStale = false;
    writing = put(next)
      .then(
        () => {
          kept = next;
          isFailing = false;
        },
        (error: unknown) => {
          isStale = true;
          if (!isFailing)
            log.warn({ err: error }, "the Discord session could not be kept and is tried again");
          isFailing = true;
        },
      )
      .finally(() => {
        writing = undefined;
        wroteAt = performance.now();
        soon();
      });
    return writing;
  }

  function put(session: SessionInfo | undefined): Promise<void> {
    const body: Kept | undefined = session && { ...session, by, at: now(), begunWith };
    return memory.remember(MEMO, body ? JSON.stringify(body) : "");
  }

  return {
    async left() {
      if (!memory.isOurs()) return undefined;
      const found = await recall();
      if (!found || found.begunWith !== begunWith || now() - found.at > RESUMABLE_MS) return undefined;
      const { sessionId, sequence, resumeURL, shardId, shardCount } = found;
      return { sessionId, sequence, resumeURL, shardId, shardCount };
    },
    async take(session) {
      current = session;
      isStale = true;
      clearTimeout(timer);
      timer = undefined;
      const taking = write();
      if (taking) await inTime(ASKED_MS, taking, undefined);
    },
    async isTaken({ sessionId }) {
      const found = await recall();
      return found !== undefined && found.sessionId === sessionId && found.by !== by;
    },
    change(session) {
      // The one before is over, and so is what was held of it.
      if (session?.sessionId !== current?.sessionId) held = [];
      current = session;
      soon();
    },
    hold(sequence) {
      held = [...held, { sequence, at: now() }];
    },
    touch() {
      if (!current) return;
      isStale = true;
      soon();
    },
    isKept: () => kept !== undefined && kept.sessionId === current?.sessionId,
    async flush() {
      clearTimeout(timer);
      timer = undefined;
      const last = (writing ?? Promise.resolve()).then(write);
      await inTime(ASKED_MS, last, undefined);
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
