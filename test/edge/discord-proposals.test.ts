import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { ROOT, type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { type Message, personAt, shown, startFor } from "./discord-person.ts";
import { propose } from "./propose.ts";

type Person = ReturnType<typeof personAt>;
const LEARNED = "# Soul\n\n## Learned from finished work\n\n- always check the clock\n";

const isProposal = (message: Message) => /work-mend\/proposals-\d+/.test(shown(message));
const hasButtons = (message: Message) => JSON.stringify(message.components).includes("d1:proposals-accept");

/** Our configuration with a workspace of webster that may be written. */
function withWorkspace(home: string): { readonly config: string; readonly soul: string } {
  const config = join(home, "installation");
  const workspace = join(home, "webster");
  mkdirSync(workspace, { recursive: true });
  cpSync(join(ROOT, "config"), config, { recursive: true });
  const file = join(config, "agents.yaml");
  const text = readFileSync(file, "utf8");
  const changed = text.replace(
    /workspace: ~\/atomizer\/workspaces\/webster$/m,
    `workspace: ${workspace}\n    writable: true`,
  );
  assert.notEqual(changed, text);
  writeFileSync(file, changed);
  const channels = join(config, "channels.yaml");
  writeFileSync(
    channels,
    readFileSync(channels, "utf8").replace("approvals: ceo-office", "approvals: technical"),
  );
  const soul = join(workspace, "SOUL.md");
  writeFileSync(soul, "# Soul\n");
  return { config, soul };
}

async function proposalIn(person: Person): Promise<Message> {
  const found = (await person.until("technical", (all) => all.some(isProposal))).find(isProposal);
  assert.ok(found && hasButtons(found));
  return found;
}

function press(person: Person, message: Message, action: string, as: string) {
  const custom_id = new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(message.components))?.[0];
  return person.act("components", { channel: "technical", message: message.id, custom_id, as, wait: true });
}

async function decidedIn(person: Person, text: RegExp): Promise<void> {
  const all = await person.until("technical", (messages) => messages.some((one) => text.test(shown(one))));
  const found = all.filter(isProposal);
  assert.equal(found.length, 1);
  assert.ok(!found.some(hasButtons));
}

async function start(t: TestContext, home: string, env: Record<string, string>): Promise<Supervisor> {
  return startFor(t, home, env);
}

test("two people and the command line decide at once: one does, it is written once, and the message says who", async (t) => {
  using home = temporaryFolder();
  const { config, soul } = withWorkspace(home.path);
  const supervisor = await start(t, home.path, { HQ_CONFIG: config });
  const person = personAt(supervisor);
  await propose(supervisor);
  const message = await proposalIn(person);
  assert.match(shown(message), /Accept writes into SOUL\.md of webster/);
  assert.match(
    shown((await press(person, message, "proposals-accept", "ada")).message),
    /asked by somebody else|may not/,
  );
  const [rest, ...answers] = await Promise.all([
    supervisor.call("POST", "/evolve/items/mend/accept"),
    ...["you", "you"].map((as) => press(person, message, "proposals-accept", as)),
  ]);
  const words = [JSON.stringify(rest.body), ...answers.map((one) => shown(one.message))];
  const done = words.filter((word) => /"written":\["SOUL\.md"\]|^Accepted, written into SOUL\.md/.test(word));
  assert.equal(done.length, 1, words.join("\n"));
  assert.equal(
    words.filter((word) => /accepted what is proposed for mend/.test(word)).length,
    2,
    words.join("\n"),
  );
  await decidedIn(
    person,
    /✅ Accepted · mend[\s\S]*By (@you|operator)[\s\S]*Written into SOUL\.md of webster/,
  );
  assert.equal(readFileSync(soul, "utf8"), LEARNED);
});

test("proposals that somebody deletes while they wait are there again at once, and are decided there", async (t) => {
  using home = temporaryFolder();
  const { config, soul } = withWorkspace(home.path);
  const supervisor = await start(t, home.path, { HQ_CONFIG: config });
  const person = personAt(supervisor);
  await propose(supervisor);
  const first = await proposalIn(person);
  const gone = await fetch(`${supervisor.ready.guild}/local/messages/${first.id}?as=you`, {
    method: "DELETE",
  });
  assert.equal(gone.status, 204);
  await person.until("technical", (all) => all.some((one) => /proposals-\d+ \(2\)$/.test(shown(one))));
  const anew = await proposalIn(person);
  assert.match(shown((await press(person, anew, "proposals-accept", "you")).message), /Accepted/);
  await decidedIn(person, /✅ Accepted · mend/);
  assert.equal(readFileSync(soul, "utf8"), LEARNED);
});

test("dismissed, the message says so and nothing is written", async (t) => {
  using home = temporaryFolder();
  const { config, soul } = withWorkspace(home.path);
  const supervisor = await start(t, home.path, { HQ_CONFIG: config });
  const person = personAt(supervisor);
  await propose(supervisor);
  await press(person, await proposalIn(person), "proposals-dismiss", "you");
  await decidedIn(person, /Dismissed · mend[\s\S]*By @you/);
  assert.equal(readFileSync(soul, "utf8"), "# Soul\n");
});

for (const point of ["proposals:half", "proposals:renamed"]) {
  test(`killed at ${point}, the next start has the lines in the file once`, async (t) => {
    using home = temporaryFolder();
    const { config, soul } = withWorkspace(home.path);
    const first = await start(t, home.path, { HQ_CONFIG: config, HQ_CRASH_AT: point });
    await propose(first);
    const message = await proposalIn(personAt(first));
    await press(personAt(first), message, "proposals-accept", "you").catch(() => undefined);
    assert.deepEqual(await first.exited, [null, "SIGKILL"]);
    const person = personAt(await start(t, home.path, { HQ_CONFIG: config }));
    await decidedIn(person, /✅ Accepted · mend[\s\S]*Written into SOUL\.md/);
    assert.equal(readFileSync(soul, "utf8"), LEARNED);
  });
}
