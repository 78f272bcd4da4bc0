import { setTimeout as pause } from "node:timers/promises";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import { createBell } from "../kernel/bell.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { type Client, isPassing } from "./client.ts";
import { isWorkOver, pathOf, type Work, type WorkKind, type WorkView } from "./work.ts";

const RETRY_EVERY_MS = 500;
/** The supervisor sends a sign of life each 15 s. */
const SILENT_FOR_MS = 45_000;
const GONE_FOR_MS = 120_000;

export type Follow = {
  readonly client: Client;
  readonly kind: WorkKind;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Words for people: that the supervisor went, that it is back. */
  readonly tell: (line: string) => void;
  /** The supervisor answered before: when it is not there it went away. */
  readonly wasThere: boolean;
};

/** What of the supervisor's event stream is read, and what people are told when it breaks. */
type Reading = Omit<Follow, "kind" | "id"> & {
  readonly query: Readonly<Record<string, string>>;
  /** `still waiting for …`. */
  readonly words: string;
  /** What to type when it stays away. */
  readonly hint: string;
  readonly goneForMs: number;
  /** Whether a connection that stands, and each sign of life, is read like news. */
  readonly readsSilence?: true;
};

function readingOf({ kind, id, ...follow }: Follow): Reading {
  return {
    ...follow,
    query: { [kind]: id },
    words: `still waiting for ${id}`,
    hint: `\`hq wait ${id}\``,
    goneForMs: GONE_FOR_MS,
  };
}

/** What `read` says: at once, after each change of anything, and when the supervisor is back; goes on for ever. */
export function newsOf<T>(
  follow: Omit<Follow, "kind" | "id" | "wasThere">,
  read: () => Promise<T>,
): AsyncGenerator<T> {
  const shared = { words: "watching again", hint: "`hq status`", goneForMs: Number.POSITIVE_INFINITY };
  const reading = {
    ...follow,
    ...shared,
    query: { brief: "true" },
    wasThere: false,
    readsSilence: true,
  } as const;
  return readEach(reading, read);
}

/** The events of a delegation, run or task in pieces as they arrive, from the first on; goes on across a restart of the supervisor. */
export function eventsOf(follow: Follow): AsyncGenerator<readonly StoredEvent[]> {
  return readEach(readingOf(follow), async (events) => events);
}

/** The delegation, run or task as it is now, after each change and when the supervisor is back, the settled one last. */
export async function* viewsOf<Kind extends WorkKind>(
  follow: Follow & { readonly kind: Kind },
): AsyncGenerator<WorkView[Kind]> {
  const { client, kind, id, signal } = follow;
  const path = pathOf(kind, id);
  for await (const view of readEach(readingOf(follow), () => client.ask<WorkView[Kind]>({ path }, signal))) {
    yield view;
    if (isWorkOver({ kind, view } as Work)) return;
  }
}

/** What `read` makes of each piece of events; a piece counts as read only when that was done. */
async function* readEach<T>(
  follow: Reading,
  read: (events: readonly StoredEvent[]) => Promise<T>,
): AsyncGenerator<T> {
  const { signal, now, tell } = follow;
  let last: number | undefined;
  let { wasThere } = follow;
  let goneSince: number | undefined;
  for (;;) {
    try {
      for await (const events of gathered(follow, last)) {
        const isBack = goneSince !== undefined;
        if (isBack) tell(`The supervisor is back; ${follow.words}.`);
        goneSince = undefined;
        wasThere = true;
        if (events.length === 0 && !follow.readsSilence && !isBack) continue;
        const result = await read(events);
        last = events.at(-1)?.position ?? last;
        yield result;
      }
    } catch (error) {
      signal.throwIfAborted();
      const isGone = isPassing(error) || (isRefusal(error) && error.code === "no_supervisor");
      if (!isGone || !wasThere) throw error;
    }
    if (goneSince === undefined)
      tell("The supervisor went away; the work is kept. Waiting for it to come back …");
    goneSince ??= now();
    if (now() - goneSince > follow.goneForMs) {
      throw new Refusal("no_supervisor", "The supervisor did not come back.", {
        hint: `The work is kept: start it with \`hq start\`, then ${follow.hint}.`,
      });
    }
    await pause(RETRY_EVERY_MS, undefined, { signal });
  }
}

/** What arrived while the reader was busy comes as one piece: a long run changes faster than it can be asked for. */
async function* gathered(follow: Reading, after: number | undefined): AsyncGenerator<readonly StoredEvent[]> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([follow.signal, leaving.signal]);
  const bell = createBell();
  let arrived: StoredEvent[] | undefined;
  let end: { readonly failure: unknown } | "read" | undefined;
  const read = async () => {
    for await (const piece of connection({ ...follow, signal }, after)) {
      arrived = [...(arrived ?? []), ...piece];
      bell.ring();
    }
  };
  const over = (how: NonNullable<typeof end>) => {
    end = how;
    bell.ring();
  };
  void read().then(
    () => over("read"),
    (failure: unknown) => over({ failure }),
  );
  try {
    for (;;) {
      const piece = arrived;
      arrived = undefined;
      if (piece) yield piece;
      else if (end === "read") return;
      else if (end) throw end.failure;
      else await bell.sleep();
    }
  } finally {
    leaving.abort();
  }
}

/** One connection; an empty piece says that it stands. Ends when the supervisor closes it or has been silent too long. */
async function* connection(
  { client, query, signal }: Reading,
  after: number | undefined,
): AsyncGenerator<readonly StoredEvent[]> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new TypeError("the event stream is silent")), SILENT_FOR_MS);
  const asked = new URLSearchParams({
    ...query,
    ...(after === undefined ? {} : { after: String(after) }),
  });
  try {
    const body = await client.open(
      { path: `/events?${asked.toString()}` },
      AbortSignal.any([signal, silence.signal]),
    );
    let rest = "";
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      timer.refresh();
      const frames = (rest + text).split("\n\n");
      rest = frames.pop() ?? "";
      yield frames.flatMap(eventIn);
    }
  } finally {
    clearTimeout(timer);
  }
}

function eventIn(frame: string): readonly StoredEvent[] {
  const line = frame.split("\n").find((text) => text.startsWith("data: "));
  return line === undefined ? [] : [JSON.parse(line.slice(6)) as StoredEvent];
}
