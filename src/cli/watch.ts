import { setTimeout as pause } from "node:timers/promises";
import type { NowView } from "../engine/now.ts";
import { newsOf } from "./follow.ts";
import type { Hq } from "./hq.ts";
import type { Io } from "./io.ts";
import { jsonText } from "./print.ts";
import { changesOf, frameOf } from "./watch-frame.ts";

const INTERRUPTED = 130;
const TICK_MS = 1000;
/** News that come closer together are shown as one. */
const QUIET_MS = 250;
/** The other screen of a terminal, without a cursor; what stood there comes back when we leave. */
const [ENTER, LEAVE] = ["\u001b[?1049h\u001b[?25l", "\u001b[?25h\u001b[?1049l"];
const [HOME, REST_OF_LINE, REST_OF_SCREEN] = ["\u001b[H", "\u001b[K", "\u001b[J"];

/** What runs, waits and is late, until Ctrl-C: a screen on a terminal, else a line for each change. */
export async function watchAll(hq: Hq, isJson: boolean): Promise<number> {
  const { io } = hq;
  const client = hq.client();
  const leaving = new AbortController();
  const { signal } = leaving;
  const stopListening = io.onInterrupt(() => leaving.abort());
  const shown = isJson ? jsonLines(io) : io.outSize ? createScreen(io, io.outSize) : plainLines(io);
  try {
    const read = () => client.ask<NowView>({ path: "/page/now" }, signal);
    const follow = { client, signal, now: io.now, tell: shown.tell };
    for await (const now of newsOf(follow, read)) {
      shown.show(now);
      await pause(QUIET_MS, undefined, { signal });
    }
    return 0;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    stopListening();
    shown.end();
  }
}

type Shown = {
  readonly show: (now: NowView) => void;
  /** The supervisor went, or is back. */
  readonly tell: (text: string) => void;
  readonly end: () => void;
};

function createScreen(io: Io, size: NonNullable<Io["outSize"]>): Shown {
  let view: NowView | undefined;
  let trouble: string | undefined;
  let isOpen = false;

  function draw(): void {
    if (!view) return;
    if (!isOpen) io.out(ENTER);
    isOpen = true;
    const lines = frameOf(view, io.now(), size(), trouble);
    io.out(`${HOME}${lines.map((line) => `${line}${REST_OF_LINE}\n`).join("")}${REST_OF_SCREEN}`);
  }

  const timer = setInterval(draw, TICK_MS).unref();
  return {
    show(now) {
      view = now;
      trouble = undefined;
      draw();
    },
    tell(text) {
      if (!view) io.err(`${text}\n`);
      trouble = text;
      draw();
    },
    end() {
      clearInterval(timer);
      if (isOpen) io.out(LEAVE);
    },
  };
}

function plainLines(io: Io): Shown {
  let before: NowView | undefined;
  return {
    show(now) {
      for (const line of changesOf(before, now)) io.out(`${line}\n`);
      before = now;
    },
    tell: (text) => io.err(`${text}\n`),
    end: () => undefined,
  };
}

/** The whole view as one line, each time that something in it changed. */
function jsonLines(io: Io): Shown {
  let before: string | undefined;
  return {
    show(now) {
      const { at: _at, position: _position, ...rest } = now;
      const text = JSON.stringify(rest);
      if (text !== before) io.out(`${jsonText(now, 0)}\n`);
      before = text;
    },
    tell: (text) => io.err(`${text}\n`),
    end: () => undefined,
  };
}
