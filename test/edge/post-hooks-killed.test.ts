import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { supervisedFolder } from "../support/supervised-folder.ts";

const HOOKED = `name: hooked
steps:
  look: { agent: webster, task: "The CTE of Zerodur.", post_hooks: [sanity-check, reflect] }
`;

for (const point of ["tell:claimed", "tell:recorded"]) {
  test(`what follows a step by itself follows once, though the supervisor was killed at ${point}`, async (t) => {
    const folder = supervisedFolder(t, "hq-hooks-");
    const config = join(folder.path, "config");
    const workflows = join(folder.path, "workflows");
    mkdirSync(config);
    mkdirSync(workflows);
    writeFileSync(join(config, "hq.yaml"), `workflows: { dir: ${workflows} }\n`);
    writeFileSync(join(workflows, "hooked.yaml"), HOOKED);
    const home = join(folder.path, "home");
    const first = await folder.start({ HQ_CONFIG: config, HQ_CRASH_AT: point }, home);
    const { body: run } = await first.call("POST", "/runs", { workflow: "hooked" });
    assert.deepEqual(await first.exited, [null, "SIGKILL"]);
    const second = await folder.start({ HQ_CONFIG: config }, home);
    const { body: over } = await second.call("GET", `/runs/${run.id}?wait=60s`);
    assert.equal(over.status, "succeeded", JSON.stringify(over));
    const waiting = async () => (await second.call("GET", "/evolve/scan")).body.items;
    // Nobody tells over REST when it was done; the test's own time limit ends it.
    while ((await waiting()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const { body: log } = await second.call("GET", "/evolve/log");
    assert.deepEqual(
      log.items.map(({ slug }: { slug: string }) => slug),
      [`${run.id}.look`],
    );
    await second.stop();
  });
}
