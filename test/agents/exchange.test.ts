import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import test, { type TestContext } from "node:test";
import { type Dispatcher, Pool } from "undici";
import { exchange } from "../../src/agents/exchange.ts";

const OUTGOING = { method: "POST", path: "/hooks/agent", headers: {}, deadlineMs: 5000 } as const;
const KIB_64 = 64 * 1024;

/** An exchange whose connection is played by the test, with time that stands still. */
function played(t: TestContext, deadlineMs: number) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const handlers: Dispatcher.DispatchHandlers[] = [];
  const dispatcher = {
    dispatch: (_: unknown, handler: Dispatcher.DispatchHandlers) => handlers.push(handler) > 0,
  };
  let aborts = 0;
  const ended = exchange(dispatcher as unknown as Dispatcher, { ...OUTGOING, deadlineMs });
  const [handler] = handlers;
  assert.ok(handler);
  handler.onConnect?.(() => void aborts++);
  return {
    ended,
    aborts: () => aborts,
    head: () => handler.onHeaders?.(200, [], () => undefined, "OK"),
    data: (chunk: Buffer) => handler.onData?.(chunk),
    tick: (ms: number) => t.mock.timers.tick(ms),
  };
}

/** What an exchange with a gateway comes to that treats each connection like this. */
async function exchangedWith(t: TestContext, treat: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => treat(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const pool = new Pool(`http://127.0.0.1:${address.port}`);
  t.after(() => pool.destroy());
  return exchange(pool, OUTGOING);
}

test("once the status is known the body has two seconds, whatever is left of the deadline", async (t) => {
  const { ended, aborts, head, data, tick } = played(t, 1000);
  tick(999);
  head();
  const word = Buffer.from("Größe");
  data(word.subarray(0, 3));
  tick(1999);
  assert.equal(aborts(), 0);
  data(word.subarray(3));
  tick(1);
  const outcome = await ended;
  assert.equal(outcome.kind === "answered" && outcome.body, "Größe");
  assert.equal(aborts(), 1);
});

test("of a long body the first 64 KiB are kept, and the rest is not waited for", async (t) => {
  for (const chunks of [[KIB_64], [KIB_64 - 1, 1000]]) {
    const { ended, aborts, head, data } = played(t, 1000);
    head();
    for (const size of chunks) data(Buffer.alloc(size, "a"));
    const outcome = await ended;
    assert.equal(outcome.kind === "answered" && outcome.body.length, KIB_64);
    assert.equal(aborts(), 1);
    t.mock.timers.reset();
  }
});

test("a connection that breaks within the body takes nothing back of the status", async (t) => {
  const outcome = await exchangedWith(t, (socket) =>
    socket.end('HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{"ok":true'),
  );
  assert.deepEqual(outcome.kind === "answered" && [outcome.status, outcome.body], [202, '{"ok":true']);
});

test("an interim answer is none: what breaks after it is as unknown as before", async (t) => {
  const interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
  assert.equal((await exchangedWith(t, (socket) => socket.end(interim))).kind, "broken");
  const whole = await exchangedWith(t, (socket) =>
    socket.end(`${interim}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`),
  );
  assert.equal(whole.kind === "answered" && whole.status, 200);
});
