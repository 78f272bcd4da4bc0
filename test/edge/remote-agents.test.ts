import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test, { after, before, type TestContext } from "node:test";
import { stringify } from "yaml";
import { digestOf } from "../../src/kernel/id.ts";
import { handoffOf } from "../support/core.ts";
import { type OtherHost, startOtherHost } from "../support/network-namespace.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

let other: OtherHost;
before(async () => {
  other = await startOtherHost();
});
after(() => other?.remove());

const TABLE = "glass,cte\nZerodur,0.02\n";
const NOTE = "Measured twice.\n";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** What the agent over there reads in its prompt. */
function jobOf(message: string) {
  const [, run = ""] = /^Run id: (\S+)$/m.exec(message) ?? [];
  const [, url = ""] = /^POST (http\S+)$/m.exec(message) ?? [];
  const [, token = ""] = /^Authorization: Bearer (\S+)$/m.exec(message) ?? [];
  const [, upload = ""] = /^(curl .* -T <file> .*)$/m.exec(message) ?? [];
  return { run, url, token, upload };
}
type Job = ReturnType<typeof jobOf>;
type Answer = { readonly status: number; readonly body: any };

async function curl(args: readonly string[], input?: string): Promise<Answer> {
  const text = await other.run("curl", ["-sS", "-w", "\n%{http_code}", ...args], input);
  const [, body = "", status = "0"] = /^([\s\S]*)\n(\d+)\s*$/.exec(text) ?? [];
  return { status: Number(status), body: body === "" ? undefined : JSON.parse(body) };
}

const bearer = (token: string) => ["-H", `Authorization: Bearer ${token}`];
const send = (job: Job, name: string, text: string, more: readonly string[] = []) =>
  curl([...bearer(job.token), "-T", "-", ...more, `${job.url}/artifacts/${name}`], text);
const handIn = (job: Job, more: object = {}) =>
  curl(
    [...bearer(job.token), "-H", "Content-Type: application/json", "--data-binary", "@-", job.url],
    JSON.stringify(handoffOf(job.run, { agent: "webster", ...more })),
  );

/** A supervisor that listens for the other machine, and an agent there. */
async function newPlace(t: TestContext, hq: object = {}) {
  const folder = temporaryFolder("hq-remote-");
  t.after(folder.remove);
  const config = join(folder.path, "config");
  const home = join(folder.path, "home");
  mkdirSync(config);
  const gateway = await other.startGateway();
  const port = await freePort();
  const address = `http://${other.here}:${port}`;
  const webster = { url: gateway.url, insecure: true, handoff_via: "rest", concurrency: 4 };
  writeFileSync(join(config, "agents.yaml"), stringify({ agents: { webster } }));
  const api = { host: other.here, public_url: address };
  writeFileSync(join(config, "hq.yaml"), stringify({ api, ...hq }));
  const env = {
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    HQ_PORT: `${port}`,
    OPENCLAW_GATEWAY_TOKEN: "hooks-token",
  };

  async function start(more: Record<string, string> = {}) {
    const supervisor = await startSupervisor(home, { ...env, ...more });
    t.after(async () => {
      const { exitCode, signalCode } = supervisor.child;
      if (exitCode === null && signalCode === null) await supervisor.stop();
    });
    return supervisor;
  }
  return { start, gateway, home, address };
}
type Running = Awaited<ReturnType<Awaited<ReturnType<typeof newPlace>>["start"]>>;

async function ask({ call }: Running, gateway: { next: () => Promise<string> }, more: object = {}) {
  const asked = await call("POST", "/delegations", { agent: "webster", objective: "Find the CTE", ...more });
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  return jobOf(await gateway.next());
}

/** Names and contents of the files under the one result, once it is shown. */
async function shownFiles(supervisor: Running) {
  const { guild = "", guildKey = "" } = supervisor.ready as { guild?: string; guildKey?: string };
  const headers = { authorization: `Bearer ${guildKey}` };
  const stream = await fetch(`${guild}/local/events`, { headers, signal: AbortSignal.timeout(30_000) });
  const look = async () => {
    const response = await fetch(`${guild}/local/channels/results/messages?limit=100`, { headers });
    return (await response.json()) as { attachments: { filename: string; url: string }[] }[];
  };
  let messages = await look();
  if (messages.length === 0) {
    for await (const _ of stream.body ?? []) {
      messages = await look();
      if (messages.length > 0) break;
    }
  }
  await stream.body?.cancel().catch(() => undefined);
  assert.equal(messages.length, 1);
  const files = messages[0]?.attachments ?? [];
  return Promise.all(
    files.map(async ({ filename, url }) => [filename, await (await fetch(url, { headers })).text()] as const),
  );
}

test("an agent on another machine sends two files and its handoff; people see the result with both", async (t) => {
  const { start, gateway, address, home } = await newPlace(t);
  const supervisor = await start();
  const job = await ask(supervisor, gateway);
  assert.equal(job.url, `${address}/api/v1/handoffs/${job.run}`);
  // The line of the prompt, as a shell takes it.
  const file = join(home, "zerodur.csv");
  writeFileSync(file, TABLE);
  const line = job.upload.replace("<file>", file).replace("<name>", "zerodur.csv");
  const answer = JSON.parse(await other.run("sh", ["-c", line]));
  assert.deepEqual(answer, {
    runId: job.run,
    name: "zerodur.csv",
    digest: digestOf(TABLE),
    bytes: TABLE.length,
    artifact: `${job.run}/1/zerodur.csv`,
    repeated: false,
  });
  rmSync(file);
  assert.equal((await send(job, "note%20one.md", NOTE, ["-X", "POST"])).status, 201);
  const done = await handIn(job, { artifacts: ["/home/webster/out/zerodur.csv", "https://example.com/z"] });
  assert.deepEqual([done.status, done.body.status], [200, "succeeded"]);
  const { body } = await supervisor.call("GET", `/delegations/${job.run}`);
  assert.deepEqual(body.artifacts ?? body.handoff?.artifacts, [
    `${job.run}/1/zerodur.csv`,
    "https://example.com/z",
    `${job.run}/1/note one.md`,
  ]);
  const files = new Map(await shownFiles(supervisor));
  assert.deepEqual([...files.values()].sort(), [TABLE, NOTE].sort(), [...files.keys()].join());
  assert.ok(files.has("zerodur.csv"));
  const trace = await supervisor.call("GET", `/trace/${job.run}`);
  assert.match(JSON.stringify(trace.body), /zerodur\.csv, 23 bytes, with attempt 1/);
});

test("killed between the file and the handoff, what was sent is there, and sending it again changes nothing", async (t) => {
  const { start, gateway, home } = await newPlace(t);
  const first = await start({ HQ_CRASH_AT: "upload:stored" });
  const job = await ask(first, gateway);
  // Its bytes lie there, and nobody knows of them.
  assert.ok((await send(job, "zerodur.csv", TABLE)).status < 200, "it was never answered");
  await first.exited;
  const second = await start({ HQ_CRASH_AT: "upload:recorded#2" });
  const other = await send(job, "zerodur.csv", NOTE);
  assert.equal(other.status, 201, "a file that was never acknowledged may be another one");
  // Recorded, and nobody was told so.
  assert.ok((await send(job, "note.md", NOTE)).status < 200);
  await second.exited;
  const third = await start();
  assert.equal((await send(job, "note.md", NOTE)).status, 200);
  const again = await send(job, "zerodur.csv", NOTE);
  assert.deepEqual([again.status, again.body.repeated], [200, true]);
  assert.equal((await send(job, "zerodur.csv", TABLE)).body.code, "handoff_changed");
  assert.equal((await handIn(job)).status, 200);
  assert.deepEqual((await shownFiles(third)).map(([name]) => name).sort(), ["note.md", "zerodur.csv"]);
  const folder = join(home, "handoffs", "artifacts", job.run, "1");
  assert.equal(readFileSync(join(folder, "zerodur.csv"), "utf8"), NOTE);
});

test("a wrong token, a name that leads elsewhere, too much, and what comes too late are refused with the reason", async (t) => {
  const limits = { upload_max: "2KiB", upload_max_total: "3KiB" };
  const { start, gateway, home } = await newPlace(t, { handoffs: limits });
  const supervisor = await start();
  const job = await ask(supervisor, gateway);
  const elsewhere = await ask(supervisor, gateway, { objective: "Another one" });
  const code = ({ status, body }: Answer) => [status, body?.code];
  const artifacts = join(home, "handoffs", "artifacts");
  for (const token of ["1.nonsense", elsewhere.token, "x".repeat(60)])
    assert.deepEqual(code(await send({ ...job, token }, "a.csv", TABLE)), [401, "unauthenticated"]);
  assert.deepEqual(code(await curl(["-T", "-", `${job.url}/artifacts/a.csv`], TABLE)), [
    401,
    "unauthenticated",
  ]);
  for (const name of ["..%2Fa.csv", ".env", "%2Fetc%2Fpasswd", "a%00b", "a%0Ab", "x".repeat(201), "con%3Aa"])
    assert.deepEqual(code(await send(job, name, TABLE)), [400, "invalid_input"], name);
  const large = "x".repeat(2049);
  assert.deepEqual(code(await send(job, "large.bin", large)), [413, "too_large"]);
  const file = join(home, "large.bin");
  writeFileSync(file, large);
  const ofKnownLength = await curl([...bearer(job.token), "-T", file, `${job.url}/artifacts/large.bin`]);
  assert.deepEqual(code(ofKnownLength), [413, "too_large"]);
  assert.ok(!existsSync(join(artifacts, job.run, "1", "large.bin")));
  assert.equal((await send(job, "two.bin", large.slice(1))).status, 201);
  assert.deepEqual(code(await send(job, "three.bin", large.slice(1))), [413, "too_large"]);
  assert.equal((await send(job, "small.bin", "x")).status, 201);
  assert.equal((await handIn(job)).status, 200);
  assert.equal((await send(job, "small.bin", "x")).status, 200);
  assert.deepEqual(code(await send(job, "late.bin", "x")), [409, "already_settled"]);
  assert.deepEqual(code(await send(job, "small.bin", "y")), [409, "handoff_changed"]);
});

test("only names that config lists are answered; what a proxy says of the name is not believed", async (t) => {
  const { start, address } = await newPlace(t);
  await start();
  const live = `${address}/api/v1/health/live`;
  const by = (...headers: readonly string[]) => curl([...headers.flatMap((one) => ["-H", one]), live]);
  const own = new URL(address).host;
  assert.equal((await by()).status, 200);
  assert.equal((await by("Host: evil.example")).status, 403);
  assert.equal(
    (await by("Host: evil.example", `X-Forwarded-Host: ${own}`, `Forwarded: host=${own}`)).status,
    403,
  );
  assert.equal((await by("X-Forwarded-Host: evil.example")).status, 200);
});

test("a key that can be guessed is refused where other machines reach REST", async (t) => {
  const { start, home } = await newPlace(t);
  mkdirSync(home, { recursive: true });
  await assert.rejects(start({ ORCHESTRATOR_API_KEY: "hq" }), (error: { stderr?: string }) => {
    assert.match(error.stderr ?? "", /ORCHESTRATOR_API_KEY has 2 characters[\s\S]*openssl rand/);
    return true;
  });
});
