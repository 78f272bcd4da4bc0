import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { createRest } from "../../src/discord/rest.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const TEN_MIB = 10 * 1024 * 1024;

/** A place that serves files, and says what it was asked for. */
async function serve(t: TestContext) {
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const [, what = "", rest = ""] = /^\/(\w+)(?:\/(.*))?$/.exec(url) ?? [];
    if (what === "to") return response.writeHead(302, { location: decodeURIComponent(rest) }).end();
    if (what === "gone") return response.writeHead(404).end("gone");
    // Without a length: nobody knows before how much will come.
    response.writeHead(200, { "transfer-encoding": "chunked" });
    return response.end(what === "sized" ? "x".repeat(Number(rest)) : "its words");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("a message's file is read from where Discord keeps files, without following others, up to 10 MiB", async (t) => {
  const ours = await serve(t);
  const strange = await serve(t);
  const rest = createRest({ token: "x", api: `${ours.url}/api`, log: LOG, now: Date.now });
  t.after(rest.stop);

  assert.equal(await rest.file(`${ours.url}/words`), "its words");
  assert.equal(await rest.file(`${ours.url}/gone`), undefined);
  assert.equal((await rest.file(`${ours.url}/sized/${TEN_MIB}`))?.length, TEN_MIB);
  await assert.rejects(rest.file(`${ours.url}/sized/${TEN_MIB + 1}`), /larger than any file of a message/);

  await assert.rejects(rest.file(`${strange.url}/words`), /is not where Discord keeps files/);
  await assert.rejects(rest.file(`${ours.url}/to/${encodeURIComponent(`${strange.url}/words`)}`));
  await assert.rejects(rest.file("file:///etc/hostname"), /is not where Discord keeps files/);
  await assert.rejects(rest.file("http://cdn.discordapp.com/words"), /is not where Discord keeps files/);
  assert.deepEqual(strange.asked, []);
});
