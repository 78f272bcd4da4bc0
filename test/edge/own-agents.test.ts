import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { newRoot, startHq } from "./cli-process.ts";
import { personAt, shown, startFor } from "./discord-person.ts";
import { withWorkflows } from "./own-workflows.ts";
import { openPage, sees, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

const named = (name: string, agent: string) =>
  `name: ${name}\nsteps:\n  a: { agent: ${agent}, task: "Note it." }\n`;

test("without a token, agents of one's own are stood in for by their names, also one that is added while it runs", async (t) => {
  using home = temporaryFolder();
  const HQ_CONFIG = withWorkflows(home.path, named("later", "scout"));
  const agents = join(HQ_CONFIG, "agents.yaml");
  const save = (text: string) => {
    writeFileSync(`${agents}.new`, text);
    renameSync(`${agents}.new`, agents);
  };
  save("agents: { main: { url: 'http://127.0.0.1:9' } }\n");
  writeFileSync(
    join(HQ_CONFIG, "acl.yaml"),
    "people: { roles: [{ role: Operators, rights: [delegate, any-agent] }] }\n",
  );
  const supervisor = await startFor(t, home.path, { HQ_CONFIG });
  const person = personAt(supervisor);
  await person.command("delegate", { agent: "main", objective: "Find the CTE of ULE" });
  await person.until("results", (messages) => messages.some((one) => /Sample agent main/.test(shown(one))));
  save("agents: { main: { url: 'http://127.0.0.1:9' }, scout: { url: 'http://127.0.0.1:13' } }\n");
  for (;;) {
    const { body } = await supervisor.call("GET", "/agents");
    if (
      (body as { items: readonly { card: { id: string } }[] }).items.some(({ card }) => card.id === "scout")
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await person.command("workflow run", { name: "later" });
  await person.until("results", (messages) => messages.some((one) => /Sample agent scout/.test(shown(one))));
});

test("a start with agents of one's own names one of them to try, and tells in one line that many workflows ask others", async (t) => {
  const { root, home } = newRoot(t);
  const HQ_CONFIG = withWorkflows(root, ...["one", "two", "three"].map((name) => named(name, "webster")));
  mkdirSync(home, { recursive: true });
  writeFileSync(join(HQ_CONFIG, "agents.yaml"), "agents: { main: { url: 'http://127.0.0.1:9' } }\n");
  writeFileSync(join(HQ_CONFIG, "acl.yaml"), "{}\n");
  const hq = startHq(t, ["start", "--port", "0", "--guild-port", "0"], {
    env: { HQ_HOME: home, HQ_CONFIG },
    cwd: root,
  });
  await hq.said(/npx --no hq delegate main "Find/);
  hq.child.kill("SIGINT");
  const { err } = await hq.done;
  assert.match(
    err,
    /^warning: a notice: \S+ has 3 files that ask agents whom agents\.yaml does not have: one, three, two \(.*\)\n$/,
  );
});

test("the page says how an agent that is there is asked, and which workflows there are, not what others have", async (t) => {
  using home = temporaryFolder();
  const HQ_CONFIG = withWorkflows(home.path);
  writeFileSync(join(HQ_CONFIG, "acl.yaml"), "{}\n");
  writeFileSync(join(HQ_CONFIG, "agents.yaml"), "agents: { main: { url: 'http://127.0.0.1:9' } }\n");
  const supervisor = await startFor(t, home.path, { HQ_CONFIG });
  const { body } = await supervisor.call("POST", "/page/link");
  const page = await openPage(t, browser(), body.url);
  await sees(page.getByText('hq delegate main "Find the CTE of Zerodur"'));
  await sees(page.getByText("Run a workflow: hq workflow run NAME; hq workflow list shows which there are"));
  await page.getByRole("link", { name: "Runs", exact: true }).first().click();
  await sees(page.getByText("or from a shell: hq workflow run NAME; hq workflow list"));
  await page.keyboard.press("/");
  await sees(page.getByText('hq delegate main "…"'));
});

test("agents that are taken out of agents.yaml while it runs: #agent-logs has one line for all their workflows", async (t) => {
  using home = temporaryFolder();
  const asked = ["one", "two", "three"].map((name) => named(name, "webster"));
  const HQ_CONFIG = withWorkflows(home.path, ...asked);
  const supervisor = await startFor(t, home.path, { HQ_CONFIG });
  writeFileSync(join(HQ_CONFIG, "acl.yaml"), "{}\n");
  writeFileSync(join(HQ_CONFIG, "agents.yaml"), "agents: { main: { url: 'http://127.0.0.1:9' } }\n");
  const told =
    /left something that is not valid[^]*has 3 files that ask agents whom [^]*: one, three, two \(/;
  const messages = await personAt(supervisor).until("agent-logs", (said) =>
    said.some((one) => told.test(shown(one))),
  );
  assert.ok(messages.every((one) => !/there is no agent/.test(shown(one))));
});
