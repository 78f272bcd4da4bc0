import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import test from "node:test";
import type { DelegationState } from "../../src/domain/delegation-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { until } from "../../src/engine/until.ts";
import { untilOthers } from "../../src/engine/until-others.ts";

/** Whoever listens, and a way to ring them all. */
function bells() {
  const listeners = new Set<() => void>();
  return {
    listeners,
    listen(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    ring() {
      for (const listener of listeners) listener();
    },
  };
}
const turns = () => new Promise<void>((resolve) => void setImmediate(resolve));

function engineThat(read: () => Promise<DelegationState | undefined>) {
  const { listeners, listen, ring } = bells();
  const engine = { read, watch: listen } as unknown as Pick<Engine, "read" | "watch">;
  return { engine, listeners, ring };
}

test("whoever waits for a delegation and gives up has an answer at once, also when that was before", async () => {
  const { engine, listeners } = engineThat(async () => undefined);
  const leaving = new AbortController();
  const waiting = until(engine, "orch-1", () => true, { signal: leaving.signal });
  assert.equal(listeners.size, 1);
  leaving.abort();
  await waiting;
  await until(engine, "orch-1", () => true, { signal: leaving.signal });
  assert.equal(listeners.size, 0, "nobody is told any more");
});

test("a wait ends with the state that was waited for, not before; or in its time, and leaves nothing behind", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let state: { status: string } | undefined;
  const asked: unknown[] = [];
  const { listeners, listen, ring } = bells();
  const engine = {
    read: async (...given: unknown[]) => {
      asked.push(given);
      return state;
    },
    watch: (listener: () => void, stream: string) => {
      asked.push(stream);
      return listen(listener);
    },
  } as unknown as Pick<Engine, "read" | "watch">;
  const { signal } = new AbortController();
  const isOver = ({ status }: DelegationState) => status === "succeeded";
  let ended = false;
  const wait = (options: { timeoutMs?: number }) => {
    ended = false;
    return until(engine, "orch-1", isOver, { signal, ...options }).finally(() => {
      ended = true;
    });
  };
  const waiting = wait({});
  await turns();
  assert.deepEqual(asked, ["orch-1", ["delegation", "orch-1"]]);
  t.mock.timers.tick(60_000);
  state = { status: "dispatched" };
  ring();
  await turns();
  assert.equal(ended, false);
  state = { status: "succeeded" };
  ring();
  await waiting;
  state = undefined;
  const brief = wait({ timeoutMs: 5000 });
  t.mock.timers.tick(4999);
  await turns();
  assert.equal(ended, false);
  t.mock.timers.tick(1);
  await brief;
  assert.deepEqual([listeners.size, getEventListeners(signal, "abort").length], [0, 0]);
});

test("a delegation that cannot be read is an error to whoever waits for it", async () => {
  const { engine, listeners } = engineThat(() => Promise.reject(new Error("disk I/O error")));
  await assert.rejects(
    until(engine, "orch-1", () => true, {}),
    /disk I\/O error/,
  );
  assert.equal(listeners.size, 0);
});

test("a wait of more than 24 days does not end at once, and leaves no timer behind", async (t) => {
  const set = t.mock.method(globalThis, "setTimeout");
  const cleared = t.mock.method(globalThis, "clearTimeout");
  const { engine } = engineThat(async () => ({}) as DelegationState);
  await until(engine, "orch-1", () => true, { timeoutMs: 2 ** 31 });
  assert.equal(set.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
  assert.equal(cleared.mock.calls[0]?.arguments[0], set.mock.calls[0]?.result);
});

test("another supervisor's answer is looked for at once, when it may have written, and each second", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  for (const again of ["bell", "clock"]) {
    const { listeners, listen, ring } = bells();
    let answer: string | undefined;
    let looks = 0;
    const look = async () => {
      looks++;
      return answer;
    };
    const found = untilOthers({ onOthers: listen }, look, 20_000);
    await turns();
    answer = "there";
    if (again === "bell") ring();
    else t.mock.timers.tick(1000);
    assert.equal(await found, "there", again);
    t.mock.timers.tick(60_000);
    await turns();
    assert.deepEqual([looks, listeners.size], [2, 0], "and not any more afterwards");
  }
});

test("what is written during a look is seen by the next one, and two never look at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { listen, ring } = bells();
  const open: ((found?: string) => void)[] = [];
  const look = () => new Promise<string | undefined>((resolve) => void open.push(resolve));
  const found = untilOthers({ onOthers: listen }, look, 20_000);
  ring();
  ring();
  assert.equal(open.length, 1);
  open[0]?.();
  await turns();
  assert.equal(open.length, 2);
  open[1]?.();
  await turns();
  assert.equal(open.length, 2, "what was asked for twice meanwhile is one look");
  ring();
  open[2]?.("there");
  assert.equal(await found, "there");
});

test("without an answer the wait is over in time, and a look that fails ends it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { listeners, listen } = bells();
  const waiting = untilOthers({ onOthers: listen }, async () => undefined, 20_000);
  t.mock.timers.tick(20_000);
  assert.equal(await waiting, undefined);
  const failing = untilOthers({ onOthers: listen }, () => Promise.reject(new Error("gone")), 20_000);
  await assert.rejects(failing, /gone/);
  const cleared = t.mock.method(globalThis, "clearTimeout");
  const asked = t.mock.method(globalThis, "setTimeout");
  assert.equal(await untilOthers({ onOthers: listen }, async () => "there", 20_000), "there");
  assert.equal(cleared.mock.calls[0]?.arguments[0], asked.mock.calls[0]?.result, "no timer stays behind");
  assert.equal(listeners.size, 0);
});
