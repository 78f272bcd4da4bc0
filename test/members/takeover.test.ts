import assert from "node:assert/strict";
import test, { after } from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { untilQuiet } from "../chaos/load.ts";
import { createWorld } from "../chaos/world.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { startEdge } from "../edge/discord-fixture.ts";
import { createMembersWorld } from "../edge/members-fixture.ts";
import { person } from "../support/guild.ts";
import { startPostgres } from "../support/postgres.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const kindsOf = (guild: LocalGuild) => guild.inspect.handshakes().map(({ kind }) => kind);
const online = (guild: LocalGuild, withinMs: number) =>
  guild.inspect.next((event) => (event.kind === "bot" && event.online ? true : undefined), withinMs);

test("a command that is typed while nobody is connected is answered by whoever goes on with the session, once", async (t) => {
  const asked: string[] = [];
  const { guild, edgeOf, ledger } = await startEdge(t, {
    isIdle: true,
    verbs: {
      async delegate(_, { objective }) {
        asked.push(objective);
        return {
          delegation: viewWith("queued", { id: "orch-1", agent: "webster", objective }),
          repeated: false,
        };
      },
    },
  });
  const sessions = { ...ledger.memory, isOurs: () => true };
  const first = edgeOf({ sessions });
  await first.start();
  await first.stop();
  const answered = person(guild).command("technical", "delegate", {
    agent: "webster",
    objective: "Find the CTE of ULE",
  });
  const second = edgeOf({ sessions });
  t.after(second.stop);
  await second.start();
  assert.match((await answered).message?.content ?? "", /webster/);
  await second.stop();
  // What was handled less than three seconds ago comes once more, and means nothing.
  const third = edgeOf({ sessions });
  t.after(third.stop);
  await third.start();
  assert.deepEqual(kindsOf(guild), ["identified", "resumed", "resumed"]);
  assert.deepEqual(asked, ["Find the CTE of ULE"]);
});

test("killed and started again, a supervisor on a file goes on with its session", async (t) => {
  const folder = temporaryFolder("hq-session-");
  const world = await createWorld(folder.path);
  t.after(async () => {
    await world.stop();
    folder.remove();
  });
  const first = await world.start();
  await doneBy(first, "one");
  first.child.kill("SIGKILL");
  await first.exited;
  const second = await world.start();
  await second.stop();
  const third = await world.start();
  await doneBy(third, "two");
  await third.stop();
  assert.deepEqual(kindsOf(world.guild), ["identified", "resumed", "resumed"]);
});

test("of two supervisors on one database the next leader goes on with the session, after a stop and after a kill -9", {
  timeout: 120_000,
}, async (t) => {
  const { world, join } = await createMembersWorld(t, postgres, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 50 },
  });
  const { guild } = world;
  const a = await join("a");
  const b = await join("b");
  const stopped = online(guild, 20_000);
  await a.supervisor.stop();
  await stopped;
  assert.deepEqual(kindsOf(guild), ["identified", "resumed"]);
  const again = await join("a");
  await doneBy(again.supervisor, "one");
  const killed = online(guild, 40_000);
  b.supervisor.child.kill("SIGKILL");
  await killed;
  assert.deepEqual(kindsOf(guild), ["identified", "resumed", "resumed"]);
  await doneBy(again.supervisor, "two");
  assert.equal(guild.inspect.messages("results").length, 2);
});

/** A delegation from the question to its posts. */
async function doneBy(supervisor: Supervisor, key: string): Promise<void> {
  const body = { agent: "webster", objective: key, timeout: "60s" };
  const answer = await supervisor.call("POST", "/delegations", body, { "idempotency-key": key });
  await untilQuiet(supervisor, [answer.body.id]);
}
