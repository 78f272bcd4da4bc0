import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, symlinkSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { personAt } from "./discord-person.ts";

const GOOD = `name: note
description: One step.
inputs:
  what: { type: string, required: true }
steps:
  look: { agent: webster, task: "Look at \${{ inputs.what }}." }
`;

const GATED = `name: note
inputs:
  what: { type: string, default: Zerodur }
steps:
  ok: { approval: { prompt: "Look?" } }
  look: { needs: [ok], agent: webster, task: "The CTE of \${{ inputs.what }}." }
`;

function save(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Asks again until the answer is the wanted one; the test's own time limit ends it. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The names that Discord offers for `/workflow run` while somebody types. */
async function suggested(supervisor: Supervisor, typed: string): Promise<readonly string[]> {
  const response = await fetch(new URL("/local/autocomplete", supervisor.ready.guild), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      channel: "technical",
      name: "workflow run",
      options: { name: typed },
      focused: "name",
    }),
  });
  const { choices } = (await response.json()) as { choices: readonly { value: string }[] };
  return choices.map(({ value }) => value);
}

const workflow = async (supervisor: Supervisor) => (await supervisor.call("GET", "/workflows/note")).body;

/** A supervisor with the one workflow, and where its file is. */
function placeIn(folder: string) {
  const config = join(folder, "config");
  const workflows = join(folder, "workflows");
  mkdirSync(config);
  mkdirSync(workflows);
  writeFileSync(join(config, "hq.yaml"), `workflows: { dir: ${workflows} }\n`);
  const file = join(workflows, "note.yaml");
  writeFileSync(file, GOOD);
  const start = () => startSupervisor(join(folder, "home"), { HQ_CONFIG: config });
  return { workflows, file, start };
}

test("something beside the workflows that the system does not let read ends no supervisor and stops no start", async () => {
  using folder = temporaryFolder("hq-reload-");
  const { workflows, file, start } = placeIn(folder.path);
  for (const words of ["Still one step.", "One step as before."]) {
    const supervisor = await start();
    try {
      symlinkSync(words, join(workflows, words));
      save(file, GOOD.replace("One step.", words));
      await until(
        () => workflow(supervisor),
        ({ definition }) => definition.description === words,
      );
    } finally {
      await supervisor.stop();
    }
  }
});

for (const [how, change] of [
  ["gone", (file: string) => rmSync(file)],
  ["broken", (file: string) => writeFileSync(file, GATED.replace("webster", "webstr"))],
  ["another one", (file: string) => writeFileSync(file, GOOD)],
] as const) {
  test(`a run that waits is neither lost nor begun again when the supervisor was killed and its file is ${how}`, async () => {
    using folder = temporaryFolder("hq-reload-");
    const { file, start } = placeIn(folder.path);
    writeFileSync(file, GATED);
    const first = await start();
    const asked = { workflow: "note", runId: "wf-mine" };
    const keyed = { workflow: "note", inputs: { what: "ULE 7972" } };
    const ask = ({ call }: Supervisor, body: object) =>
      call("POST", "/runs", body, "runId" in body ? {} : { "idempotency-key": "k-1" });
    const ids = [(await ask(first, asked)).body.id, (await ask(first, keyed)).body.id];
    first.child.kill("SIGKILL");
    await first.exited;
    change(file);
    const second = await start();
    try {
      for (const [index, body] of [asked, keyed].entries()) {
        const again = await ask(second, body);
        assert.deepEqual([again.status, again.body.id], [200, ids[index]], JSON.stringify(again.body));
        const other = await ask(second, { ...body, inputs: { what: "else" } });
        assert.deepEqual([other.status, other.body.code], [409, "key_reused"]);
        const approved = await second.call("POST", `/runs/${ids[index]}/steps/ok/approve`, {});
        assert.equal(approved.status, 200, JSON.stringify(approved.body));
        const over = await second.call("GET", `/runs/${ids[index]}?wait=60s`);
        assert.equal(over.body.status, "succeeded", JSON.stringify(over.body));
      }
      assert.equal((await second.call("GET", "/runs")).body.items.length, 2);
    } finally {
      await second.stop();
    }
  });
}

for (const what of ["workflow", "configuration"]) {
  test(`a ${what} that is saved while a supervisor starts holds when it has started`, async () => {
    using folder = temporaryFolder("hq-reload-");
    const { workflows, file, start } = placeIn(folder.path);
    rmSync(file);
    const logs = join(folder.path, "home", "logs");
    mkdirSync(logs, { recursive: true });
    const other = join(folder.path, "other");
    mkdirSync(other);
    // The log is made when all has been read.
    const watcher = watch(logs);
    const starting = start();
    await once(watcher, "change");
    watcher.close();
    save(join(what === "workflow" ? workflows : other, "note.yaml"), GOOD);
    if (what === "configuration")
      save(join(folder.path, "config", "hq.yaml"), `workflows: { dir: ${other} }\n`);
    const supervisor = await starting;
    try {
      const seen = await until(
        () => workflow(supervisor),
        ({ name }) => name !== undefined,
      );
      assert.equal(seen.name, "note");
    } finally {
      await supervisor.stop();
    }
  });
}

test("a saved workflow is used by the next run; one that is not valid changes nothing and is told in #agent-logs", async () => {
  using folder = temporaryFolder("hq-reload-");
  const { workflows, file, start } = placeIn(folder.path);
  const supervisor = await start();
  try {
    save(file, GOOD.replace("One step.", "Still one step."));
    await until(
      () => workflow(supervisor),
      ({ definition }) => definition.description === "Still one step.",
    );
    assert.deepEqual(await suggested(supervisor, "no"), ["note"]);
    save(join(workflows, "notes-of-two.yaml"), GOOD.replace("name: note", "name: notes-of-two"));
    await until(
      () => suggested(supervisor, "no"),
      (names) => names.length === 2,
    );
    save(
      file,
      GOOD.replace("One step.", "Still one step.").replace(
        "  what:",
        "  who: { type: string, required: true }\n  what:",
      ),
    );
    await until(
      () => workflow(supervisor),
      ({ definition }) => definition.inputs.length === 2,
    );
    const form = await personAt(supervisor).command("workflow run", { name: "note" });
    assert.equal(form.state, "modal");
    assert.match(JSON.stringify(form.modal), /"who"[\s\S]*"what"/);
    save(file, GOOD.replace("One step.", "Still one step.").replace("webster", "webstr"));
    const broken = await until(
      () => workflow(supervisor),
      ({ problems }) => problems.length > 0,
    );
    assert.equal(broken.definition.description, "Still one step.");
    assert.match(broken.problems[0], /note\.yaml:6:\d+ .*webstr.*did you mean "webster"/);
    const logs = new URL("/local/channels/agent-logs/messages", supervisor.ready.guild);
    const said = await until(
      async () => (await fetch(logs)).text(),
      (text) => text.includes("webstr"),
    );
    assert.match(said, /the last good one stays/);
    assert.match(said, /note\.yaml:6:/);
    assert.match(supervisor.stderr(), /note\.yaml:6:/);
    const started = await supervisor.call("POST", "/runs", {
      workflow: "note",
      inputs: { what: "it", who: "me" },
    });
    assert.equal(started.status, 201, JSON.stringify(started.body));
  } finally {
    await supervisor.stop();
  }
});
