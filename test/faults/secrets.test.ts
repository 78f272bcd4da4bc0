import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import test from "node:test";
import { handoffOf } from "../support/core.ts";
import { ROOT } from "../support/supervisor.ts";
import { BOT_TOKEN, createWorld, HOOKS_TOKEN, readPrompt } from "./world.ts";

const API_KEY = "an-api-key-that-only-this-test-knows";

test("no token is in a log, prompt, error, message, answer or file, whatever an agent's gateway says", async (t) => {
  const handInTokens: string[] = [];
  const world = await createWorld(t, {
    guild: true,
    webster: ", handoff_via: rest",
    env: { ORCHESTRATOR_API_KEY: API_KEY },
    async onRun({ message }) {
      const secret = /^Authorization: Bearer (\S+)$/m.exec(message)?.[1] ?? "";
      handInTokens.push(secret);
      const url = /http:\/\/\S+\/api\/v1\/handoffs\/[\w.~-]+/.exec(message)?.[0] ?? "";
      const answer = await fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify(handoffOf(readPrompt(message).run)),
      });
      assert.equal(answer.status, 200, await answer.text());
    },
  });
  const app = await world.start();
  const answers: string[] = [];
  const read = async (path: string) => answers.push(JSON.stringify((await app.call("GET", path)).body));
  const ask = async (agent: string) => {
    const id = await app.ask({ agent, retries: 0 });
    await app.settled(id);
    await read(`/delegations/${id}`);
    await read(`/delegations/${id}/history`);
    return id;
  };
  const good = await ask("webster");
  // Gateways that repeat what they were sent, with an error and as a final no.
  for (const status of [422, 400]) {
    world.other.answerWith({
      kind: "status",
      status,
      body: `bad token ${HOOKS_TOKEN} for Bearer ${HOOKS_TOKEN}`,
    });
    await ask("tech-lead");
  }
  for (const path of ["/agents", "/health/ready", "/no-such-thing"]) await read(path);
  await world.seen("results", (messages) => messages.some((one) => JSON.stringify(one).includes(good)));
  await world.seen("agent-logs", (messages) => messages.length === 3);
  await app.stop();

  const files = readdirSync(world.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  assert.ok(files.some((file) => file.endsWith("ledger.db")) && files.some((file) => file.endsWith(".log")));
  const signing = readFileSync(join(world.home, "secret.key"), "utf8").trim();
  const places: [string, string][] = [
    ...files
      .filter((file) => !file.endsWith(".key"))
      .map((file) => [file, readFileSync(file, "latin1")] as [string, string]),
    ...answers.map((text) => ["an answer", text] as [string, string]),
    ...["results", "agent-logs"].map(
      (name) => [`#${name}`, JSON.stringify(world.guild?.inspect.messages(name))] as [string, string],
    ),
  ];
  const sent = [...world.gateway.requests, ...world.other.requests].map(({ text }) => text);
  const own = { bot: BOT_TOKEN, hooks: HOOKS_TOKEN, api: API_KEY, signing };
  assert.equal(handInTokens.length, 1);
  assert.ok((handInTokens[0] ?? "").length > 20);
  for (const [name, secret] of Object.entries(own)) {
    for (const [place, text] of places) assert.ok(!text.includes(secret), `${name} in ${place}`);
    for (const text of sent) assert.ok(!text.includes(secret), `${name} in a prompt`);
  }
  for (const [place, text] of places)
    assert.ok(!text.includes(handInTokens[0] ?? "?"), `the run's token in ${place}`);
});

test("only workers, gateways and systemd's programs are started, and what they inherit is chosen by name", () => {
  const sources = ["src", "commands"]
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
  const starters = sources.filter((file) =>
    /child_process|worker_threads/.test(readFileSync(join(ROOT, file), "utf8")),
  );
  assert.ok(sources.length > 100);
  // The command line starts the temporary supervisor itself. What the others get is an allow-list: test/agents/worker*,
  // test/agents/cluster*.
  // tar gets a path and nothing else, threads get no environment at all.
  for (const file of ["src/ledger/scanner.ts", "src/telemetry/pictures.ts"])
    assert.match(readFileSync(join(ROOT, file), "utf8"), /new Worker\([^;]*env: \{\}/);
  assert.match(readFileSync(join(ROOT, "src/cli/packed-backup.ts"), "utf8"), /env: \{ PATH: /);
  assert.deepEqual(starters.toSorted(), [
    "src/agents/cluster/gateway.ts",
    "src/agents/cluster/instance.ts",
    "src/agents/cluster/systemd.ts",
    "src/agents/workers/keeper.ts",
    "src/agents/workers/start-keeper.ts",
    "src/cli/cluster/logs.ts",
    "src/cli/packed-backup.ts",
    "src/cli/temporary.ts",
    "src/ledger/scan-thread.ts",
    "src/ledger/scanner.ts",
    "src/local/worker/sample-worker.ts",
    "src/telemetry/chart-worker.ts",
    "src/telemetry/pictures.ts",
  ]);
});
