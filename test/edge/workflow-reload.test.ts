import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const GOOD = `name: note
description: One step.
inputs:
  what: { type: string, required: true }
steps:
  look: { agent: webster, task: "Look at \${{ inputs.what }}." }
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

const workflow = async (supervisor: Supervisor) => (await supervisor.call("GET", "/workflows/note")).body;

test("a saved workflow is used by the next run; one that is not valid changes nothing and is told in #agent-logs", async () => {
  using folder = temporaryFolder("hq-reload-");
  const config = join(folder.path, "config");
  const workflows = join(folder.path, "workflows");
  mkdirSync(config);
  mkdirSync(workflows);
  writeFileSync(join(config, "hq.yaml"), `workflows: { dir: ${workflows} }\n`);
  const file = join(workflows, "note.yaml");
  writeFileSync(file, GOOD);
  const supervisor = await startSupervisor(join(folder.path, "home"), { HQ_CONFIG: config });
  try {
    save(file, GOOD.replace("One step.", "Still one step."));
    await until(
      () => workflow(supervisor),
      ({ definition }) => definition.description === "Still one step.",
    );
    save(file, GOOD.replace("webster", "webstr"));
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
    const started = await supervisor.call("POST", "/runs", { workflow: "note", inputs: { what: "it" } });
    assert.equal(started.status, 201, JSON.stringify(started.body));
  } finally {
    await supervisor.stop();
  }
});
