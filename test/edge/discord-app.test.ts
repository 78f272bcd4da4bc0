import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { REFERENCE_CARD } from "../../src/domain/playbook/reference-card.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { personAt, shown, startFor as start } from "./discord-person.ts";

const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";

test("a person asks with /delegate and reads the answer: a card that ends as done, one result, one log line", async (t) => {
  using home = temporaryFolder();
  const person = personAt(await start(t, home.path));
  const answer = await person.command("delegate", { agent: "webster", objective: QUESTION });
  assert.match(
    answer.message?.content ?? "",
    /Asked \*\*webster\*\*: https:\/\/discord\.com\/channels\/\d+\/\d+\/\d+/,
  );
  const results = await person.until("results", (messages) => messages.length > 0);
  assert.match(shown(results[0]), /Zerodur[\s\S]*0 ± 0\.02 ppm\/K/);
  const logs = await person.until("agent-logs", (messages) => messages.length > 0);
  assert.match(logs[0]?.content ?? "", /^✅ \*\*webster · done in/);
  const cards = await person.until("technical", ([card]) => /done in/.test(shown(card)));
  assert.equal(cards.length, 1);
  assert.equal((await person.messages("results")).length, 1);
  assert.equal((await person.messages("agent-logs")).length, 1);
});

test("cancel by button, details, run again, and the refusals, all in the whole product", async (t) => {
  using home = temporaryFolder();
  const person = personAt(await start(t, home.path));
  const said = async (name: string, options: object = {}, more: object = {}) =>
    (await person.command(name, options, more)).message?.content ?? "";
  assert.match(
    await said("delegate", { agent: "webstr", objective: "x" }),
    /no agent "webstr"[\s\S]*Did you mean webster/,
  );
  assert.match(
    await said("delegate", { agent: "webster", objective: "x" }, { as: "guest" }),
    /@guest may not delegate[\s\S]*add you under people[^`]*$/,
  );
  assert.match(await said("delegate", { agent: "webster", objective: " " }), /objective is empty/);
  assert.match(await said("help"), /Which pattern\?/);
  assert.ok((await said("help", { topic: "patterns" })).includes(REFERENCE_CARD.trim()));
  assert.match(await said("agents"), /8 agents\*\*, 8 answering/);

  await person.command("delegate", { agent: "webster", objective: QUESTION });
  const [result] = await person.until("results", (messages) => messages.length === 1);
  const press = (action: string) => {
    const id = new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(result?.components))?.[0];
    return person.act("components", { channel: "results", message: result?.id, custom_id: id, wait: true });
  };
  assert.match((await press("details")).message?.content ?? "", /attempt 1: sent[\s\S]*Handoff: complete/);
  await Promise.all([press("again"), press("again")]);
  await person.until("results", (messages) => messages.length === 2);
  assert.match(await said("status"), /0 open/);
});

test("with discord.mirror what began elsewhere is shown in #inter-agent, and what began in Discord is not", async (t) => {
  using home = temporaryFolder();
  const config = join(home.path, "config");
  mkdirSync(config);
  writeFileSync(join(config, "hq.yaml"), "discord: { mirror: true }\n");
  const supervisor = await start(t, home.path, { HQ_CONFIG: config, HQ_AGENTS: "sample" });
  const person = personAt(supervisor);
  await person.command("delegate", { agent: "webster", objective: QUESTION });
  await person.until("technical", ([card]) => /done in/.test(shown(card)));
  const asked = { agent: "tech-lead", objective: "Review the thermal margins", caller: "manager" };
  const { status } = await supervisor.call("POST", "/delegations", asked);
  assert.equal(status, 201);
  const cards = await person.until("inter-agent", ([card]) => /done in/.test(shown(card)));
  assert.equal(cards.length, 1);
  assert.match(shown(cards[0]), /tech-lead[^]*Review the thermal margins/);
});

test("killed between a post and its record, the next start shows each thing exactly once", async (t) => {
  using home = temporaryFolder();
  const first = await start(t, home.path, { HQ_CRASH_AT: "post:sent" });
  await personAt(first).act("commands", {
    name: "delegate",
    options: { agent: "webster", objective: QUESTION },
  });
  assert.deepEqual(await first.exited, [null, "SIGKILL"]);
  const person = personAt(await start(t, home.path));
  for (const channel of ["results", "agent-logs"]) {
    await person.until(channel, (messages) => messages.length > 0);
  }
  const cards = await person.until("technical", ([card]) => /done in/.test(shown(card)));
  assert.equal(cards.length, 1);
  for (const channel of ["results", "agent-logs"]) {
    assert.equal((await person.messages(channel)).length, 1, channel);
  }
});

test("sessions in a guild of our own are not counted: a restart waits for none of them", async (t) => {
  using home = temporaryFolder();
  const person = personAt(await start(t, home.path));
  await person.command("delegate", { agent: "webster", objective: QUESTION });
  using ledger = new DatabaseSync(join(home.path, "ledger.db"), { readOnly: true });
  assert.deepEqual(ledger.prepare("select name from memo where name like 'discord/session%'").all(), []);
});
