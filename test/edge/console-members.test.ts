import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { startPostgres } from "../support/postgres.ts";
import { createMembersWorld } from "./members-fixture.ts";
import { gone, openPage, sees, useBrowser } from "./page-fixture.ts";

const postgres = await startPostgres();
after(() => postgres.stop());
const browser = useBrowser();

test("the page shows who works on the shared ledger and who leads, and notices who comes, differs, leads and goes", {
  timeout: 240_000,
}, async (t) => {
  const { world, join: joinAs } = await createMembersWorld(t, postgres);
  const a = await joinAs("a", { HQ_HOST: "alpha" });
  const b = await joinAs("b", { HQ_HOST: "beta" });
  const link = await b.supervisor.call("POST", "/page/link");
  const page = await openPage(t, browser(), String(link.body.url));
  const members = page.getByRole("list", { name: "Supervisors" });
  const alpha = members.getByRole("listitem").filter({ hasText: "alpha" });
  const beta = members.getByRole("listitem").filter({ hasText: "beta" });
  await sees(alpha.getByText("leads on Discord"));
  await sees(beta.getByText("this one"));
  await sees(alpha.getByText(`pid ${a.supervisor.ready.pid}`));
  for (const said of [/^version \d+\.\d+\.\d+/, /^since \d/, /^heard \d+ s ago$/, /^up to date$/, /^clock /])
    await sees(beta.getByText(said));
  await sees(page.getByText("2 at work"));

  // One that asks other agents comes.
  const other = join(world.home, "..", "other");
  cpSync(world.env.HQ_CONFIG, other, { recursive: true });
  const agents = readFileSync(join(other, "agents.yaml"), "utf8");
  writeFileSync(join(other, "agents.yaml"), agents.replace("concurrency: 16", "concurrency: 1"));
  const c = await joinAs("c", { HQ_HOST: "gamma", HQ_CONFIG: other });
  const gamma = members.getByRole("listitem").filter({ hasText: "gamma" });
  await sees(gamma.getByText("Other agents than the one that leads."));
  await sees(page.getByText(/other agents than the one that leads: make agents\.yaml the same everywhere/));
  // It is mended without a restart.
  writeFileSync(join(other, "agents.yaml"), agents);
  await gone(gamma.getByText("Other agents than the one that leads."));
  await c.supervisor.stop();
  await gone(gamma);

  a.supervisor.child.kill("SIGKILL");
  await gone(alpha);
  await sees(beta.getByText("leads on Discord"));
  assert.equal(await members.getByRole("listitem").count(), 1);
});
