import assert from "node:assert/strict";
import { request } from "node:http";
import test from "node:test";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { OPERATOR_KEY, openDoor } from "./api-scripted.ts";

const WORK = { agent: "webster", objective: "Find the CTE of ULE" };

/** Reads a stream piece by piece; `until` resolves when the text satisfies it, and fails when the stream ends before. */
async function follow(
  door: Awaited<ReturnType<typeof openDoor>>,
  query = "",
  headers: Record<string, string> = {},
) {
  const going = new AbortController();
  const answer = await door.call(`/events${query}`, { headers, signal: going.signal });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let text = "";
  const frames = () =>
    [...text.matchAll(/^id: (\d+)\nevent: (\S+)\ndata: (.*)\n\n/gm)].map(([, id, type, data]) => ({
      id: Number(id),
      type,
      event: JSON.parse(data ?? "") as StoredEvent,
    }));
  return {
    frames,
    text: () => text,
    leave: () => going.abort(),
    async until(satisfied: () => boolean) {
      while (!satisfied()) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended with ${text}`);
        text += value;
      }
    },
    async end() {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        text += value;
      }
    },
  };
}

test("events arrive in order as they happen, with their position as the id", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const stream = await follow(door);
  await door.post("/delegations", WORK);
  door.settle("orch-0001", "succeeded", "0.03");
  await stream.until(() => stream.frames().length === 2);
  assert.deepEqual(
    stream.frames().map(({ id, type, event }) => [id, type, event.position, event.stream]),
    [
      [1, "delegation.queued", 1, "orch-0001"],
      [2, "delegation.settled", 2, "orch-0001"],
    ],
  );
});

test("a reader that comes back gets what it missed, once, by header or by query", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (let i = 0; i < 450; i++) door.record("orch-x", "note", { i });
  const byHeader = await follow(door, "?after=3", { "last-event-id": "440" });
  await byHeader.until(() => byHeader.frames().length >= 10);
  assert.deepEqual(
    byHeader.frames().map(({ id }) => id),
    [441, 442, 443, 444, 445, 446, 447, 448, 449, 450],
  );
  const byQuery = await follow(door, "?after=0");
  await byQuery.until(() => byQuery.frames().length >= 450);
  door.record("orch-x", "note", {});
  await byQuery.until(() => byQuery.frames().length >= 451);
  assert.deepEqual(
    byQuery.frames().map(({ id }) => id),
    Array.from({ length: 451 }, (_, i) => i + 1),
  );
});

test("a reader that comes back after an older ledger was restored is told what happens from now on", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.record("orch-old", "note", {});
  const [beyond, at] = [await follow(door, "?after=100"), await follow(door, "?after=1")];
  door.record("orch-new", "note", {});
  door.record("orch-new", "note", {});
  for (const stream of [beyond, at]) {
    await stream.until(() => stream.frames().length === 2);
    assert.deepEqual(
      stream.frames().map(({ id }) => id),
      [2, 3],
    );
  }
});

test("without a position only what happens from now on is told", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.record("orch-old", "note", {});
  const stream = await follow(door);
  door.record("orch-new", "note", {});
  await stream.until(() => stream.frames().length === 1);
  assert.deepEqual(
    stream.frames().map(({ event }) => event.stream),
    ["orch-new"],
  );
});

test("one delegation is told from its first event on, with its deliveries and nothing else", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  await door.post("/delegations", WORK);
  await door.post("/delegations", WORK);
  const stream = await follow(door, "?delegation=orch-0001");
  door.record("orch-00012", "note", {});
  door.record("orch-0001/result", "delivery.part-posted", {});
  door.settle("orch-0002", "failed");
  door.settle("orch-0001", "failed");
  await stream.until(() => stream.frames().some(({ type }) => type === "delegation.settled"));
  assert.deepEqual(
    stream.frames().map(({ type, event }) => `${event.stream} ${type}`),
    ["orch-0001 delegation.queued", "orch-0001/result delivery.part-posted", "orch-0001 delegation.settled"],
  );
  assert.equal((await door.call("/events?delegation=none")).status, 404);
  assert.equal((await door.call("/events", { headers: { "last-event-id": "abc" } })).status, 400);
});

test("whoever comes late is told of the deliveries of before, too, in their order", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  await door.post("/delegations", WORK);
  door.record("orch-0001/progress", "delivery.part-posted", {});
  door.settle("orch-0001", "failed");
  door.record("orch-0001/result", "delivery.part-posted", {});
  const stream = await follow(door, "?delegation=orch-0001");
  door.record("orch-0001/log", "delivery.part-posted", {});
  await stream.until(() => stream.frames().some(({ event }) => event.stream === "orch-0001/log"));
  assert.deepEqual(
    stream.frames().map(({ event }) => event.stream),
    ["orch-0001", "orch-0001/progress", "orch-0001", "orch-0001/result", "orch-0001/log"],
  );
});

test("a silent stream says that it lives", async (t) => {
  const door = await openDoor({ heartbeatMs: 10 });
  t.after(door.api.stop);
  const stream = await follow(door);
  await stream.until(() => stream.text().split(": still here").length > 3);
  assert.equal(stream.frames().length, 0);
});

test("a reader that goes leaves nothing behind", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const stream = await follow(door);
  assert.deepEqual([door.api.waiting(), door.watchers()], [1, 1]);
  stream.leave();
  while (door.api.waiting() > 0) await new Promise(setImmediate);
  assert.equal(door.watchers(), 0);
});

test("streams end cleanly when the supervisor stops", async () => {
  const door = await openDoor();
  const stream = await follow(door);
  door.record("orch-x", "note", {});
  await stream.until(() => stream.frames().length === 1);
  await Promise.all([stream.end(), door.api.stop()]);
  assert.equal(door.watchers(), 0);
});

test("a reader that does not read holds nothing in memory and hinders nobody", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  let pages = 0;
  const { eventsAfter } = door.verbs;
  Object.assign(door.verbs, {
    eventsAfter: (position: number, limit: number) => {
      pages++;
      return eventsAfter(position, limit);
    },
  });
  const body = "x".repeat(10_000);
  for (let i = 0; i < 4000; i++) door.record("orch-x", "note", { body });
  const stalled = request({
    port: door.port,
    path: "/api/v1/events?after=0",
    headers: { authorization: `Bearer ${OPERATOR_KEY}` },
    agent: false,
  });
  t.after(() => stalled.destroy());
  await new Promise<void>((resolve, reject) => {
    stalled.on("error", reject);
    stalled.on("response", (response) => {
      response.pause();
      resolve();
    });
    stalled.end();
  });
  const quick = await follow(door, "?after=3900");
  await quick.until(() => quick.text().includes("id: 4000\n"));
  const stalledPages = pages;
  assert.ok(stalledPages < 15, `40 MB were read for a reader that takes none: ${stalledPages} of 20 pages`);
});

test("a browser gets frames without names, and without bodies when it only wants to know that something changed", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.record("orch-x", "note", { text: "long" });
  const stream = await follow(door, "?after=0&as=message&brief=true");
  await stream.until(() => stream.text().includes("id: 1\n"));
  const frame =
    stream
      .text()
      .split("\n\n")
      .find((text) => text.startsWith("id: 1\n")) ?? "";
  const [, data = ""] = /^id: 1\ndata: (.*)$/.exec(frame) ?? [];
  assert.deepEqual(JSON.parse(data), {
    position: 1,
    stream: "orch-x",
    type: "note",
    at: 1001,
    actor: "system",
  });
  stream.leave();
});
