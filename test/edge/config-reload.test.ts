import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

/** A supervisor with sample agents over a configuration of its own, and how that is saved anew. */
async function startWith(t: TestContext, hqYaml: string) {
  const folder = temporaryFolder("hq-config-reload-");
  const config = join(folder.path, "config");
  mkdirSync(config);
  const file = join(config, "hq.yaml");
  writeFileSync(file, hqYaml);
  const home = join(folder.path, "home");
  const supervisor = await startSupervisor(home, { HQ_CONFIG: config, HQ_AGENTS: "sample" });
  t.after(async () => {
    await supervisor.stop();
    folder.remove();
  });
  const log = () =>
    readFileSync(join(home, "logs", "supervisor.log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; text?: string });
  let read = 0;
  return {
    ...supervisor,
    folder: folder.path,
    home,
    log,
    /** Resolves when the supervisor has read it. */
    async save(text: string) {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
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
