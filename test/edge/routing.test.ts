import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { hq as runHq } from "./cli-harness.ts";
import { personAt, shown, startFor } from "./discord-person.ts";
import { handIn, startTeam } from "./team.ts";

const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";

test("a person asks for a capability: the card says who was chosen, why, and what the others lacked", async (t) => {
  using home = temporaryFolder();
  const supervisor = await startFor(t, home.path);
  const person = personAt(supervisor);
  const { choices } = (await person.act("autocomplete", {
    name: "delegate",
    options: { objective: "x", capability: "mat" },
    focused: "capability",
  })) as unknown as { choices: readonly { name: string; value: string }[] };
  assert.deepEqual(
    choices.map(({ value }) => value),
    ["materials"],
  );
  assert.match(choices[0]?.name ?? "", /materials · .* tech-lead, .* webster/);
  await supervisor.call("POST", "/agents/tech-lead/drain", { reason: "a new model" });
  const answer = await person.command("delegate", { capability: "materials", objective: QUESTION });
  assert.match(answer.message?.content ?? "", /Asked \*\*webster\*\*/);
  const cards = await person.until("technical", (all) => all.some((card) => /done in/.test(shown(card))));
  assert.match(shown(cards[0]), /webster was chosen: has materials; tech-lead is drained/);
  const nobody = await person.command("delegate", { objective: QUESTION });
  assert.match(nobody.message?.content ?? "", /Nobody is asked[\s\S]*Choose an agent, or a capability/);
  const unknown = await person.command("delegate", { capability: "cooking", objective: QUESTION });
  assert.match(unknown.message?.content ?? "", /No agent has the capability "cooking"[\s\S]*There are: /);
});

test("an agent that is down is refused by name, or another one does it where that is allowed", async (t) => {
  const team = await startTeam(t, {
    parts: { "tech-lead": (job) => handIn(job, { result: "from the tech lead" }) },
    more: () => ({
      webster: { capabilities: ["materials", "research"] },
      "tech-lead": { capabilities: ["materials"] },
      auditor: { capabilities: ["materials"], cost: 2 },
    }),
  });
  await team.gateways["webster"]?.close();
  const refused = await team.call("POST", "/delegations", {
    agent: "webster",
    objective: QUESTION,
    ifDown: "refuse",
  });
  assert.deepEqual([refused.status, refused.body.code], [503, "agent_down"]);
  assert.match(refused.body.hint, /--fallback/);

  const asked = await team.call("POST", "/delegations", {
    agent: "webster",
    objective: QUESTION,
    fallback: true,
  });
  const done = await team.settled(asked.body.id);
  assert.deepEqual(
    [done.status, done.agent, done.handoff.result],
    ["succeeded", "tech-lead", "from the tech lead"],
  );
  assert.deepEqual(
    done.reroutes.map(({ from, to }: { from: string; to: string }) => [from, to]),
    [["webster", "tech-lead"]],
  );

  const cli = await runHq(["delegate", "--capability", "materials", QUESTION, "--format", "text"], {
    env: { ...team.env, HQ_HOME: team.home },
    cwd: team.folder,
  });
  assert.equal(cli.code, 0, cli.err);
  assert.equal(cli.out, "from the tech lead\n");
  assert.match(cli.err, /tech-lead was chosen: has materials; auditor comes after it; webster is down\./);
  const wrong = await runHq(["delegate", "webster"], { env: { HQ_HOME: team.home }, cwd: team.folder });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /The task is missing\.[\s\S]*hq delegate --capability materials/);
});
