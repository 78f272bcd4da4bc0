import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { makeRequest } from "../../src/discord/rest.ts";
import { beginWithGuild } from "../faults/discord-world.ts";
import { createBell, postOf, startEdge } from "./discord-fixture.ts";

const HOUR = 3_600_000;
const noteOf = (id: string) => postOf({ id, kind: "notice", to: { channel: "technical" }, text: "a line" });

test("a 429 that does not say for how long is no reason to ask again at once: the post goes back for a minute", async (t) => {
  const { guild, edge, logs, clock } = await startEdge(t);
  const isAsked = ({ message }: { readonly message: string }) => /asked us to slow down/.test(message);
  const body = "<html><body>error code: 1015</body></html>";
  guild.faults.add({ kind: "status", status: 429, method: "POST", path: "/messages", body, times: 50 });
  const outcome = await edge.perform.post(noteOf("note-limited"));
  assert.equal(logs.filter(isAsked).length, 1);
  assert.ok(outcome.kind === "again");
  assert.match(outcome.reason ?? "", /rate limited on POST/);
  const waitMs = outcome.dueAt - clock.now();
  assert.ok(waitMs > 55_000 && waitMs < 65_000, String(waitMs));
  guild.faults.clear();
  assert.equal((await edge.perform.post({ ...noteOf("note-limited"), tries: 2 })).kind, "recorded");
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("short waits that Discord asks for without end are not waited for without end: the post goes back, each time for longer, and is told with its channel", async (t) => {
  const { guild, edge, logs, clock } = await startEdge(t);
  const channel = guild.inspect.channelId("technical");
  const limit = { kind: "rate-limit", retryAfterMs: 5, method: "POST", path: "/messages" } as const;
  guild.faults.add({ ...limit, times: 1000 });
  const waits: number[] = [];
  for (let round = 1; round <= 5; round++) {
    assert.equal(edge.troubledPosts(), undefined, "short ones pass by themselves, as a rule");
    const outcome = await edge.perform.post({ ...noteOf("note-limited"), tries: round });
    assert.ok(outcome.kind === "again");
    waits.push(Math.ceil((outcome.dueAt - clock.now()) / 1000));
  }
  assert.deepEqual(waits, [1, 4, 8, 16, 32]);
  const asked = logs.filter(({ message }) => /asked us to slow down/.test(message));
  assert.equal(asked.length, 5 * 4);
  assert.deepEqual(asked[0]?.fields, { method: "POST", path: `/channels/${channel}/messages` });
  const { count, reason, until } = edge.troubledPosts() ?? {};
  assert.equal(count, 1);
  assert.match(reason ?? "", new RegExp(`^rate limited on POST .*/channels/${channel}/messages$`));
  assert.ok(until && until > clock.now());
  guild.faults.clear();
  assert.equal((await edge.perform.post({ ...noteOf("note-limited"), tries: 6 })).kind, "recorded");
  assert.equal(edge.troubledPosts(), undefined);
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("posts that Discord lets wait for long are told by status with the time, until they are posted", async (t) => {
  const { clock, app, guild, seenOnce } = await beginWithGuild(t);
  const path = `/channels/${guild.inspect.channelId("results")}/messages`;
  guild.faults.add({ kind: "rate-limit", retryAfterMs: 10 * 60_000, method: "POST", path });
  const id = await app.ask({ objective: "job" });
  await app.settled(id);
  const isPosts = ({ name }: { readonly name: string }) => name === "posts";
  const health = await app.poll("/health/ready", ({ checks }) => checks.some(isPosts));
  const [check] = health.checks.filter(isPosts);
  assert.match(
    check.text,
    /^1 post waits until \d{4}-\S+Z, when Discord wants to be asked again: rate limited/,
  );
  clock.pass(10 * 60_000);
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  await seenOnce("results", "result", [id]);
  await app.poll("/health/ready", ({ checks }) => !checks.some(isPosts));
});

test("how long a 429 wants to be waited for is read as seconds and as a date, and believed for an hour", async (t) => {
  const server = createServer((request, response) => {
    const told = decodeURIComponent(request.url?.slice(1) ?? "");
    response.writeHead(429, told === "" ? {} : { "retry-after": told }).end("slow down");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const waitOf = async (told: string) => {
    const url = `http://127.0.0.1:${port}/${encodeURIComponent(told)}`;
    const answer = (await makeRequest(url, { method: "GET" })) as Response;
    assert.deepEqual([answer.status, await answer.text()], [429, "slow down"]);
    return Number(answer.headers.get("retry-after"));
  };
  assert.equal(await waitOf("7"), 7);
  assert.equal(await waitOf("0.35"), 0.35);
  assert.equal(await waitOf("86400"), 3600);
  assert.equal(await waitOf(""), 60);
  assert.equal(await waitOf("0"), 60);
  assert.equal(await waitOf("soon"), 60);
  const inSeconds = await waitOf(new Date(Date.now() + 100_000).toUTCString());
  assert.ok(inSeconds > 90 && inSeconds <= 100, String(inSeconds));
});

test("a start that Discord lets wait for an hour says so and until when, and can be stopped", async (t) => {
  const { guild, edge, logs, waits, ledger } = await startEdge(t, { isIdle: true });
  const bell = createBell();
  ledger.onLog = bell.ring;
  guild.faults.add({ kind: "rate-limit", retryAfterMs: HOUR, path: "/gateway/bot" });
  const starting = edge.start();
  await bell.until(() => logs.some(({ message }) => /cannot be reached and is tried again/.test(message)));
  assert.match(
    waits.at(-1) ?? "",
    /^Discord wants to be asked again at \d{4}-\S+Z and not before: rate limited/,
  );
  const [said] = logs.filter(({ message }) => /cannot be reached/.test(message));
  assert.ok(said);
  const { waitMs } = said.fields as { waitMs: number };
  assert.ok(waitMs >= HOUR && waitMs < HOUR + 1000, String(waitMs));
  await edge.leave();
  await starting;
  assert.equal(waits.at(-1), undefined);
});

test("an answer of which only the beginning comes ends with the time of its request, and holds nobody for longer", async (t) => {
  const begun = Promise.withResolvers<void>();
  const onHead = () => begun.resolve();
  subscribe("undici:request:headers", onHead);
  t.after(() => unsubscribe("undici:request:headers", onHead));
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"id":');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const over = new AbortController();
  const asking = makeRequest(`http://127.0.0.1:${port}/`, { method: "GET", signal: over.signal });
  const said = asking.then(
    () => "answered",
    (error: Error) => error.name,
  );
  await begun.promise;
  await new Promise((resolve) => setImmediate(resolve));
  // What discord.js does when the time is over; it forgets the time as soon as it is told of an answer.
  over.abort();
  assert.equal(await said, "AbortError");
});

test("an edge that is left while it is not let in waits for nothing any more", async (t) => {
  const { guild, edge, logs, waits } = await startEdge(t, { isIdle: true });
  const { arrived, release } = guild.faults.hold({ path: "/gateway/bot" });
  guild.faults.add({ kind: "rate-limit", retryAfterMs: HOUR, path: "/gateway/bot" });
  const answered = Promise.withResolvers<void>();
  const onAnswer = () => answered.resolve();
  const starting = edge.start();
  await arrived;
  await edge.leave();
  await starting;
  subscribe("undici:request:trailers", onAnswer);
  t.after(() => unsubscribe("undici:request:trailers", onAnswer));
  release();
  await answered.promise;
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(waits, []);
  assert.ok(!logs.some(({ message }) => /is tried again/.test(message)));
});

test("a post that Discord let wait for long and then fails is not told to wait until a time that is over", async (t) => {
  const { guild, edge, clock } = await startEdge(t);
  const path = `/channels/${guild.inspect.channelId("technical")}/messages`;
  guild.faults.add({ kind: "rate-limit", retryAfterMs: 10 * 60_000, method: "POST", path });
  const limited = await edge.perform.post(noteOf("note-limited"));
  assert.ok(limited.kind === "again");
  assert.equal(edge.troubledPosts()?.until, limited.dueAt);
  clock.pass(10 * 60_000);
  guild.faults.add({ kind: "drop", after: false, method: "POST", path, times: 9 });
  const failed = await edge.perform.post({ ...noteOf("note-limited"), tries: 2 });
  assert.ok(failed.kind === "again");
  assert.equal(edge.troubledPosts(), undefined);
});
