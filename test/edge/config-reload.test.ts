import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

/** A supervisor with sample agents, or those given, over a configuration of its own, and how that is saved anew. */
async function startWith(
  t: TestContext,
  hqYaml: string,
  more: { readonly agentsYaml?: string; readonly apiKey?: string } = {},
) {
  const folder = temporaryFolder("hq-config-reload-");
  const config = join(folder.path, "config");
  mkdirSync(config);
  const file = join(config, "hq.yaml");
  writeFileSync(file, hqYaml);
  const { agentsYaml, apiKey } = more;
  if (agentsYaml !== undefined) writeFileSync(join(config, "agents.yaml"), agentsYaml);
  const home = join(folder.path, "home");
  if (apiKey !== undefined) {
    // Where calls of a test look for it.
    mkdirSync(home);
    writeFileSync(join(home, "api.key"), apiKey);
  }
  const supervisor = await startSupervisor(home, {
    HQ_CONFIG: config,
    HQ_AGENTS: agentsYaml === undefined ? "sample" : "config",
    ORCHESTRATOR_API_KEY: apiKey,
  });
  t.after(async () => {
    await supervisor.stop();
    folder.remove();
  });
  const log = () =>
    readFileSync(join(home, "logs", "supervisor.log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; text?: string });
  const write = (text: string, name = "hq.yaml") => {
    writeFileSync(join(config, `${name}.new`), text);
    renameSync(join(config, `${name}.new`), join(config, name));
  };
  let read = 0;
  return {
    ...supervisor,
    folder: folder.path,
    home,
    log,
    /** Resolves when the supervisor has read it. */
    write,
    async save(text: string, name?: string) {
      write(text, name);
      read += 1;
      await until(
        async () => log().filter(({ msg }) => msg === "the configuration was read again").length,
        (times) => times >= read,
      );
    },
    async ask(objective: string) {
      const { body } = await supervisor.call("POST", "/delegations", {
        agent: "webster",
        objective,
        retries: 0,
        timeout: "60s",
      });
      assert.equal(typeof body.id, "string", JSON.stringify(body));
      return body.id as string;
    },
    async settled(id: string) {
      const view = await until(
        async () => (await supervisor.call("GET", `/delegations/${id}`)).body,
        ({ status }) => status !== "queued" && status !== "dispatched",
      );
      return view.status as string;
    },
    dispatched: (id: string) =>
      until(
        async () => (await supervisor.call("GET", `/delegations/${id}`)).body.status as string,
        (status) => status === "dispatched",
      ),
  };
}

/** Asks again until the answer is the wanted one; the test's own time limit ends it. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("another handoff folder holds for new work; what is under way is read where its agent was told to write", async (t) => {
  const hq = await startWith(t, "logs: { level: info }\n");
  const before = await hq.ask("[slow 2s] CTE of ULE");
  await hq.dispatched(before);
  const moved = join(hq.folder, "moved");
  await hq.save(`handoffs: { dir: ${moved} }\n`);
  assert.equal(await hq.settled(before), "succeeded");
  const after = await hq.ask("CTE of Zerodur");
  assert.equal(await hq.settled(after), "succeeded");
  const { body } = await hq.call("GET", "/handoffs");
  const paths = Object.fromEntries(
    (body.items as { run: string; path: string }[]).map(({ run, path }) => [run, path]),
  );
  assert.equal(paths[before], join(hq.home, "handoffs", `${before}.json`));
  assert.equal(paths[after], join(moved, `${after}.json`));
  assert.ok(existsSync(join(moved, "accepted")));
});

test("another level of the log holds at once", async (t) => {
  const hq = await startWith(t, "logs: { level: info }\n");
  await hq.save("logs: { level: error }\n");
  const id = await hq.ask("CTE of ULE");
  assert.equal(await hq.settled(id), "succeeded");
  const said = hq.log().filter(({ msg }) => msg === "sample agent: handed back");
  assert.deepEqual(said, []);
});

test("what holds from the next start on is named when it changes, and only then", async (t) => {
  const hq = await startWith(t, "delegation: { timeout: 60s }\n");
  const told = () => hq.log().filter(({ msg }) => msg === "some settings hold from the next start on");
  await hq.save("delegation: { timeout: 70s }\n");
  assert.deepEqual(told(), []);
  await hq.save("api: { body_limit: 2KiB, host: localhost }\ndatabase: postgres://hq@db.example/hq\n");
  await until(
    async () => told().map(({ text }) => text),
    (texts) => texts[0] === "database, api.host, api.body_limit",
  );
  assert.match(hq.stderr(), /some settings hold from the next start on: database, api\.host/);
});

test("a key that can be guessed keeps a running supervisor from being opened to other machines, as at the start", async (t) => {
  const hq = await startWith(t, "{}\n", { apiKey: "short" });
  const from = (host: string) =>
    fetchStatus(hq.ready.api, { host, authorization: "Bearer short" }, "/api/v1/agents");
  assert.equal(await from("127.0.0.1"), 200);
  hq.write("api: { public_url: 'https://hq.example.org' }\ndelegation: { retries: 3 }\n");
  const said = await until(
    async () => hq.log().find(({ msg }) => msg.endsWith("not valid; the last good one stays"))?.text ?? "",
    (text) => text !== "",
  );
  assert.match(said, /ORCHESTRATOR_API_KEY has 5 characters[\s\S]*openssl rand -base64 32/);
  assert.equal(await from("hq.example.org"), 403);
});

test("an agent that is somewhere else now is asked there at once, however seldom agents are asked", async (t) => {
  const [before, now] = await Promise.all([gatewayFor(t), gatewayFor(t)]);
  const agents = ({ port }: { readonly port: number }) => `agents: { webster: { port: ${port} } }\n`;
  const hq = await startWith(t, "agents: { health_every: 1h }\n", { agentsYaml: agents(before) });
  const firstAt = await before.askedAt;
  await hq.save(agents(now), "agents.yaml");
  // Whoever was just seen for the first time is asked again after seven seconds, and then once an hour.
  assert.ok((await now.askedAt) - firstAt < 6000);
});

/** Something that answers, and when it is asked for the first time. */
async function gatewayFor(t: TestContext) {
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
  const askedAt = once(server, "request").then(() => performance.now());
  await once(server, "listening");
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, askedAt };
}

/** With a Host of one's own, which fetch does not send. */
async function fetchStatus(api: string, headers: Readonly<Record<string, string>>, path: string) {
  const { port } = new URL(api);
  const host = `${headers["host"]}${headers["host"] === "127.0.0.1" ? `:${port}` : ""}`;
  const [answer] = await once(get(`${api}${path}`, { headers: { ...headers, host } }), "response");
  answer.resume();
  return answer.statusCode as number;
}
