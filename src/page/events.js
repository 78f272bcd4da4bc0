import { BASE, withQuery } from "./api.js";

/** The stream says each 15 s that it lives. */
const SILENCE_MS = 45_000;
const WAITS_MS = [250, 500, 1000, 2000, 4000];

/** Splits a text/event-stream into events; comments are a sign of life only. */
function createEventReader(onEvent) {
  let rest = "";
  return (chunk) => {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const line = block.split(/\r?\n/).find((one) => one.startsWith("data:"));
      if (line) onEvent(JSON.parse(line.slice("data:".length)));
    }
  };
}

/**
 * Follows what happens, from `after` on, and comes back by itself after a loss, where it was. A reader of its own in
 * place of EventSource, which hears neither signs of life nor that the session is over.
 * `onState` hears "open", "lost" or "refused".
 */
export function followEvents({ after, onEvent, onState }) {
  let last = after;
  let failures = 0;
  let isClosed = false;
  let asking = new AbortController();
  let wake;

  async function once() {
    asking = new AbortController();
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => asking.abort(), SILENCE_MS);
    };
    alive();
    try {
      const address = `${BASE}${withQuery("/events", { after: last, brief: true })}`;
      const response = await fetch(address, { signal: asking.signal });
      if (response.status === 401) return "refused";
      if (!response.ok || !response.body) return "lost";
      failures = 0;
      onState("open");
      const read = createEventReader((event) => {
        last = event.position;
        onEvent(event);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "lost";
        alive();
        read(value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  async function follow() {
    while (!isClosed) {
      const outcome = await once().catch(() => "lost");
      if (isClosed) return;
      onState(outcome);
      if (outcome === "refused") return;
      const waitMs = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)];
      failures += 1;
      await new Promise((then) => {
        wake = then;
        setTimeout(then, waitMs);
      });
    }
  }
  follow().catch(reportError);
  return {
    close() {
      isClosed = true;
      asking.abort();
      wake?.();
    },
  };
}
