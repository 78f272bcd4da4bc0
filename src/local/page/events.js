const SILENCE_MS = 45_000;
const WAITS_MS = [250, 500, 1000, 2000, 4000];

/** Splits a text/event-stream into events; comments count as a sign of life only. */
export function createEventReader(onEvent) {
  let rest = "";
  return (chunk) => {
    rest += chunk;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = { id: undefined, type: "message", data: "" };
      for (const line of block.split(/\r?\n/)) {
        const colon = line.indexOf(":");
        if (colon === 0) continue;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "id") event.id = value;
        if (field === "event") event.type = value;
        if (field === "data") event.data += value;
      }
      if (event.data !== "" || event.type !== "message") onEvent(event);
    }
  };
}

/**
 * Follows `/local/events` and comes back by itself after a loss, from the last event seen.
 * `onState` hears "open", "lost", or "refused" (the key is wrong).
 */
export function followEvents({ api, after, onEvent, onState }) {
  let last = after;
  const closing = new AbortController();
  const isClosed = () => closing.signal.aborted;
  let failures = 0;
  let controller = new AbortController();

  async function once() {
    controller = new AbortController();
    const { signal } = controller;
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), SILENCE_MS);
    };
    alive();
    try {
      const response = await fetch(`/local/events?${api.query({ after: last })}`, {
        headers: api.headers(),
        signal,
      });
      if (response.status === 401) return "refused";
      if (!response.ok || !response.body) return "lost";
      failures = 0;
      onState("open");
      const read = createEventReader((event) => {
        if (event.id) last = event.id;
        try {
          onEvent(event.type, event.data ? JSON.parse(event.data) : {});
        } catch (error) {
          reportError(error);
        }
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
    while (!isClosed()) {
      const outcome = await once().catch(() => "lost");
      if (isClosed()) return;
      onState(outcome);
      if (outcome === "refused") return;
      const wait = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)];
      failures += 1;
      await new Promise((wake) => setTimeout(wake, wait));
    }
  }
  const following = follow();
  return {
    following,
    close() {
      closing.abort();
      controller.abort();
    },
  };
}
