import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { createMembersWorld, type Member, settled } from "../edge/members-fixture.ts";
import { createBalancer } from "../support/balancer.ts";
import { setEndpoint } from "../support/endpoint.ts";
import { person } from "../support/guild.ts";
import { startPostgres } from "../support/postgres.ts";
import { createRecorder } from "../support/recorder.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** Discord waits for so long. */
const ANSWER_MS = 3000;
const TAKE_OVER_MS = 15_000;
const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";

/** Two members, the first of which leads, and what stands between Discord and them. */
async function twoMembers(t: TestContext, { worksMs = 50, envOfSecond = {} } = {}) {
  const { world, join } = await createMembersWorld(t, postgres, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => worksMs },
    yaml: "discord: { interactions_endpoint: true }\n",
  });
  const balancer = await createBalancer();
  t.after(balancer.stop);
  const leader = await join("a");
  // What the second member asks of Discord.
  const recorder = await createRecorder(world.guild.restApi);
  t.after(recorder.stop);
  const second = await join("b", { DISCORD_API: recorder.url, ...envOfSecond });
  const overGateway: string[] = [];
  world.guild.inspect.on((event) => {
    if (event.kind === "interaction-create") overGateway.push(event.interaction.id);
  });
  balancer.lead(leader.supervisor.ready.api);
  await setEndpoint(world.guild.restApi, balancer.url);
  balancer.answers.length = 0;
  return { world, leader, second, balancer, recorder, overGateway, you: person(world.guild) };
}

async function onlyDelegation({ supervisor }: Member): Promise<string> {
  const { body } = await supervisor.call("GET", "/delegations");
  assert.equal(body.items.length, 1, JSON.stringify(body.items));
  return body.items[0].id;
}

test("the member that does not lead answers a command within 3 seconds, it is done once, and the leader posts what came of it", async (t) => {
  const { world, leader, second, balancer, recorder, overGateway, you } = await twoMembers(t);
  balancer.lead(second.supervisor.ready.api);
  const asked = await you.command("technical", "delegate", { agent: "webster", objective: QUESTION });
  assert.equal(asked.state, "replied");
  assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*: https:\/\/discord\.com\/channels\//);
  const [answer] = balancer.answers;
  t.diagnostic(`answered after ${answer?.ms.toFixed(0)} ms`);
  assert.deepEqual([answer?.from, answer?.status], [second.supervisor.ready.api, 200]);
  assert.ok((answer?.ms ?? ANSWER_MS) < ANSWER_MS);
  const id = await onlyDelegation(leader);
  await settled(second, id);
  await untilQuiet(leader.supervisor, [id]);
  const written = recorder.asked.filter(({ method }) => method !== "GET");
  assert.deepEqual(
    written.map(({ method, path }) => `${method} ${decodeURIComponent(path).split("/").at(-1)}`),
    ["PATCH @original"],
    "it edits its answer in, and posts nothing",
  );

  // What only shows something, suggestions, and rights by the guild's roles.
  const shown = await you.command("technical", "status", {});
  assert.equal(shown.state, "replied");
  const { choices } = await you.must<{ choices: { value: string }[] }>("POST", "/local/autocomplete", {
    channel: "technical",
    name: "delegate",
    focused: "agent",
    options: { agent: "webs", objective: "x" },
  });
  assert.equal(choices[0]?.value, "webster");
  assert.deepEqual(overGateway, []);
  const verdict = await judge(world, leader.supervisor, [id]);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 1, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});

test("a request that a proxy sends to both members is done once, whoever takes it", async (t) => {
  const { world, leader, second, balancer, you } = await twoMembers(t);
  balancer.lead(leader.supervisor.ready.api, second.supervisor.ready.api);
  const objectives = Array.from({ length: 8 }, (_, n) => `${QUESTION} (${n})`);
  for (const objective of objectives) {
    const asked = await you.command("technical", "delegate", { agent: "webster", objective });
    assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*/);
  }
  const { body } = await second.supervisor.call("GET", "/delegations");
  const ids: string[] = body.items.map(({ id }: { id: string }) => id);
  assert.equal(ids.length, objectives.length);
  await Promise.all(ids.map((id) => settled(leader, id)));
  await untilQuiet(leader.supervisor, ids);
  assert.deepEqual([...new Set(balancer.answers.map(({ status }) => status))], [200]);
  assert.equal(balancer.answers.length, 2 * objectives.length);
  const verdict = await judge(world, second.supervisor, ids);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: objectives.length, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});

test("with the leader killed in between, the other member answers, takes over, and posts the result once", async (t) => {
  const { world, leader, second, balancer, you } = await twoMembers(t, { worksMs: 500 });
  balancer.lead(leader.supervisor.ready.api, second.supervisor.ready.api);
  const killedAt = Date.now();
  leader.supervisor.child.kill("SIGKILL");
  const asked = await you.command("technical", "delegate", { agent: "webster", objective: QUESTION });
  assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*/);
  const id = await onlyDelegation(second);
  await settled(second, id);
  await untilQuiet(second.supervisor, [id]);
  const tookMs = Date.now() - killedAt;
  t.diagnostic(`posted ${(tookMs / 1000).toFixed(1)} s after the leader was killed`);
  assert.ok(tookMs < TAKE_OVER_MS + 5000);
  const verdict = await judge(world, second.supervisor, [id]);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 1, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});

test("killed after its answer, the member that took a command leaves it to the leader, who edits the real answer in", async (t) => {
  const { world, leader, second, balancer, you } = await twoMembers(t, {
    envOfSecond: { HQ_CRASH_AT: "interaction:answered" },
  });
  balancer.lead(second.supervisor.ready.api);
  const asked = await you.command(
    "technical",
    "delegate",
    { agent: "webster", objective: QUESTION },
    { wait_ms: 60_000 },
  );
  assert.deepEqual(await second.supervisor.exited, [null, "SIGKILL"]);
  assert.equal(asked.state, "replied");
  assert.match(asked.message?.content ?? "", /Asked \*\*webster\*\*/);
  const id = await onlyDelegation(leader);
  await settled(leader, id);
  await untilQuiet(leader.supervisor, [id]);
  const verdict = await judge(world, leader.supervisor, [id]);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 1, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});
