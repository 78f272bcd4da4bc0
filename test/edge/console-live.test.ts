import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Locator } from "playwright-core";
import { createCuttable } from "../support/cuttable.ts";
import { ROOT, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { go, jump, line, useConsole } from "./console-fixture.ts";
import { gone, intercept, openPage, sees } from "./page-fixture.ts";

const hq = useConsole();

test("what an agent works on appears by itself, is opened and canceled by keys, and goes", async (t) => {
  const page = await hq.open(t);
  await sees(page.getByText("Nothing runs, nothing waits, nothing is late."));
  assert.equal(
    await page.getByRole("list", { name: "Supervisors" }).count(),
    0,
    "alone it has no list of members",
  );
  const id = await hq.delegate("study-builder", "Check the mount [slow 10m]");
  const working = line(page, "Agents at work", "Check the mount");
  await sees(working);
  await sees(working.getByText("working"));
  await sees(page.getByRole("list", { name: "Agents", exact: true }).getByText("1 working"));
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await sees(page.getByRole("heading", { name: "study-builder", level: 1 }));
  await sees(page.getByText(id, { exact: true }));
  await page.getByRole("button", { name: "Cancel …" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Cancel the delegation" });
  await dialog.getByLabel("Reason").fill("It was a try");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await gone(dialog);
  await sees(page.locator(".view-head .pill", { hasText: "canceled" }));
  await jump(page, "n", "Now");
  await gone(line(page, "Agents at work", "Check the mount"));
});

test("what changes around it does not take the focus from a line", async (t) => {
  const other = await hq.delegate("nx-expert", "Export the assembly [slow 10m]");
  await hq.delegate("secretary", "Write the minutes [slow 10m]");
  const page = await hq.open(t);
  const lines = page.getByRole("list", { name: "Agents at work" }).getByRole("link");
  await sees(lines.nth(1));
  await lines.filter({ hasText: "Write the minutes" }).focus();
  await hq.call("POST", `/delegations/${other}/cancel`);
  await gone(line(page, "Agents at work", "Export the assembly"));
  await sees(page.locator("a:focus", { hasText: "minutes" }));
});

test("a run's graph and timeline change live, and its gate is decided once while a second page sees it", async (t) => {
  const page = await hq.open(t);
  const other = await hq.open(t, { at: "#/gates" });
  await sees(other.getByText("No gate is open."));
  const id = await hq.run("design-review", { design: "A mirror of Zerodur [slow 2s]" });
  await line(page, "Runs that are going on", "design-review").getByRole("link").click();
  await sees(page.getByRole("heading", { name: "design-review", level: 1 }));
  const graph = page.getByRole("group", { name: "Graph of design-review: 4 steps" });
  await sees(graph.getByRole("link", { name: /^technical: running, tech-lead/ }));
  await sees(graph.getByRole("link", { name: /^consolidate: pending/ }));
  await sees(graph.getByRole("link", { name: /^technical: succeeded, tech-lead/ }));
  await sees(graph.getByRole("link", { name: /^sign-off: waits for people/ }));
  const timeline = page.getByRole("list", { name: "Timeline of the steps" });
  await sees(timeline.getByRole("link", { name: /^technical: .*worked \d.*succeeded/ }));
  assert.ok((await timeline.locator(".seg-people").count()) > 0, "the gate's waiting for people is drawn");

  const gate = page.getByRole("article", { name: "Gate design-review / sign-off" });
  const sameGate = other.getByRole("article", { name: "Gate design-review / sign-off" });
  await sees(gate.getByText("Consolidate the reviews of this design? A mirror of Zerodur"));
  await sees(sameGate.getByText("@Engineering"));
  const technical = (at: Locator) => at.locator("details", { hasText: "technical" });
  const point = "Before a decision, state: load case";
  await sees(technical(sameGate).getByText("tech-lead · confidence"));
  await sees(technical(sameGate).getByText(point));
  await sees(technical(sameGate).getByRole("link", { name: "All of it" }));
  await gone(technical(gate).getByText(point));
  await technical(gate).locator("summary").press("Enter");
  await sees(technical(gate).getByText(point));
  await gate.getByRole("button", { name: "Approve design-review / sign-off" }).press("Enter");
  await gone(gate);
  await gone(sameGate);
  await sees(other.getByText("No gate is open."));
  await sees(graph.getByRole("link", { name: /^sign-off: succeeded/ }));
  await sees(graph.getByRole("link", { name: /^consolidate: succeeded/ }));
  await sees(page.getByRole("heading", { name: "Result" }));
  const { items } = await hq.call("GET", `/runs/${id}/history`);
  assert.equal(items.filter(({ type }: { type: string }) => type === "gate.decided").length, 1);
});

test("who decides too late is told who decided", async (t) => {
  const id = await hq.run("design-review", { design: "A mirror of ice" });
  await hq.call("GET", `/runs/${id}?wait=30s&untilGate=true`);
  const page = await hq.open(t, { at: "#/gates" });
  const gate = page.getByRole("article", { name: "Gate design-review / sign-off" });
  await sees(gate);
  // The other one's click reaches the supervisor while this page still waits for its picture.
  await intercept(page, "**/page/now", () => undefined);
  await hq.call("POST", `/runs/${id}/steps/sign-off/reject`, { reason: "Ice melts" });
  await gate.getByRole("button", { name: "Approve design-review / sign-off" }).click();
  await sees(page.getByRole("alert").filter({ hasText: /operator/ }));
});

test("a gate is rejected with a reason, which the run then shows", async (t) => {
  const id = await hq.run("design-review", { design: "A mirror of butter" });
  const page = await hq.open(t, { at: `#/runs/${id}` });
  await page.getByRole("button", { name: "Reject design-review / sign-off …" }).click();
  const dialog = page.getByRole("dialog", { name: "Reject design-review / sign-off" });
  await dialog.getByLabel("Reason").fill("Butter melts");
  await page.reload();
  await page.getByRole("button", { name: "Reject design-review / sign-off …" }).click();
  assert.equal(await dialog.getByLabel("Reason").inputValue(), "Butter melts", "what was typed and not sent");
  await dialog.getByRole("button", { name: "Reject" }).click();
  await gone(dialog);
  await sees(page.locator(".view-head .pill", { hasText: "failed" }));
  await sees(page.getByText(/Butter melts/).first());
  const graph = page.getByRole("group", { name: /^Graph of design-review/ });
  await graph.getByRole("link", { name: /^consolidate: skipped/ }).press("Enter");
  await sees(page.getByRole("complementary", { name: "Step consolidate" }));
  await page.keyboard.press("Escape");
  await gone(page.getByRole("complementary", { name: "Step consolidate" }));
});

test("what failed is done once more, and a step is skipped, from the keyboard", async (t) => {
  const failed = await hq.run("quick-research", { query: "The CTE of glass [fail]" });
  const page = await hq.open(t, { at: `#/runs/${failed}` });
  await sees(page.locator(".view-head .pill", { hasText: "failed" }));
  const graph = page.getByRole("group", { name: "Graph of quick-research: 2 steps" });
  await sees(graph.getByRole("link", { name: /^validation: skipped/ }));
  const asked = page.waitForRequest((request) => request.url().endsWith("/retry"));
  await page.getByRole("button", { name: "Retry what failed" }).press("Enter");
  assert.deepEqual((await asked).postDataJSON(), { resumes: 0 });
  await sees(page.getByText("What failed is done once more"));
  await hq.call("GET", `/runs/${failed}?wait=60s`);
  assert.equal((await hq.call("GET", `/runs/${failed}`)).round, 2);

  await go(page, `#/runs/${await hq.run("quick-research", { query: "The CTE of ULE [silent]" })}`);
  await graph.getByRole("link", { name: /^research: running/ }).press("Enter");
  await page.getByRole("button", { name: "Skip research" }).press("Enter");
  await sees(graph.getByRole("link", { name: /^research: skipped/ }));
});

test("an agent is drained with a reason and resumed, by keyboard", async (t) => {
  const page = await hq.open(t, { at: "#/agents" });
  const card = page.getByRole("article", { name: "webster" });
  await card.getByRole("button", { name: "Drain webster …" }).press("Enter");
  await page.getByRole("dialog", { name: "Drain webster" }).getByLabel("Reason").fill("A new model");
  await page.keyboard.press("Enter");
  await sees(card.getByText("draining"));
  await sees(card.getByText(/A new model/));
  await card.getByRole("link", { name: "webster" }).press("Enter");
  await sees(page.getByRole("heading", { name: "webster", level: 1 }));
  await sees(page.getByRole("listitem").filter({ hasText: "drained" }).first());
  await page.getByRole("button", { name: "Resume webster" }).press("Enter");
  await sees(page.locator(".view-head .pill", { hasText: "up" }));
});

test("a page that was cut off for a while shows it, and goes on where it was", async (t) => {
  const way = await createCuttable();
  t.after(way.stop);
  const home = temporaryFolder("console-cut-");
  const config = join(home.path, "config");
  cpSync(join(ROOT, "config"), config, { recursive: true });
  const settings = readFileSync(join(config, "hq.yaml"), "utf8");
  writeFileSync(
    join(config, "hq.yaml"),
    settings.replace("allowed_hosts: []", `allowed_hosts: ["127.0.0.1:${way.port}"]`),
  );
  const supervisor = await startSupervisor(home.path, { HQ_CONFIG: config });
  t.after(async () => {
    await supervisor.stop();
    home.remove();
  });
  const { port } = new URL(supervisor.ready.api);
  way.leadTo(Number(port));
  const { body } = await supervisor.call("POST", "/page/link");
  const page = await openPage(t, hq.browser(), String(body.url).replace(`:${port}/`, `:${way.port}/`));
  await sees(page.getByRole("status", { name: "Connection: Live" }));
  way.cut();
  await sees(page.getByRole("alert").filter({ hasText: "The connection to the supervisor is lost" }));
  const asked = await supervisor.call("POST", "/delegations", {
    agent: "secretary",
    objective: "Write the minutes [slow 10m]",
  });
  assert.equal(asked.status, 201);
  way.mend();
  await sees(line(page, "Agents at work", "Write the minutes"));
  await gone(page.getByRole("alert"));
});

test("a stopped supervisor is noticed, and after its start the page asks to sign in again", async (t) => {
  const page = await hq.open(t);
  await sees(page.getByRole("status", { name: "Connection: Live" }));
  await hq.supervisor().stop();
  await sees(page.getByRole("status", { name: "Connection: Connection lost" }));
  await hq.startAgain();
  await sees(page.getByRole("heading", { name: "Sign in to Atomizer HQ" }));
  await sees(page.getByText(/when the supervisor is started again/));
});

test("what could not be read is read again by itself: a view's first look, what changed since, and the whole", async (t) => {
  const page = await hq.open(t);
  const id = await hq.delegate("optimizer", "Weigh the cell [slow 10m]");
  let refused = 0;
  /** The connection for events stays. */
  const breakOff = async (path: string, times: number) => {
    await page.unrouteAll();
    refused = 0;
    await intercept(page, `**/api/v1/${path}`, (route) =>
      ++refused <= times ? route.abort() : route.continue(),
    );
  };
  const story = `delegations/${id}/story`;
  await breakOff(story, 2);
  await go(page, `#/delegations/${id}`);
  await sees(page.locator(".view-head .pill", { hasText: "working" }));
  assert.equal(refused, 3);
  // More often than there is news of one that is canceled.
  const often = 8;
  await breakOff(story, often);
  await hq.call("POST", `/delegations/${id}/cancel`);
  await sees(page.locator(".view-head .pill", { hasText: "canceled" }));
  await go(page, "#/now");
  await breakOff("page/now", often);
  await hq.delegate("auditor", "Weigh it again [slow 10m]");
  await sees(line(page, "Agents at work", "Weigh it again"));
  assert.ok(refused > often);
});
