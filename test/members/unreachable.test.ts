import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { createLeaderWorld, hasSaid, leadsAlone, until } from "../edge/leader-fixture.ts";
import { ask, type Member } from "../edge/members-fixture.ts";
import { openPage, sees, useBrowser } from "../edge/page-fixture.ts";
import { createCuttable } from "../support/cuttable.ts";
import { person } from "../support/guild.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());
const browser = useBrowser();

const STANDS_DOWN_MS = 31_000;
/** A look each second, the way there, and a busy machine. */
const BUSY_MS = 8000;
const LEFT = /Discord is not reached from here: another supervisor is to lead/;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** A world in which one member has a way to Discord of its own, or only for its requests (`there`). */
async function createWorldWithWay(t: TestContext, isNamed: true | "there" = true) {
  const made = await createLeaderWorld(t, postgres, {});
  const way = await createCuttable({ isNamed });
  t.after(way.stop);
  const api = new URL(made.world.env.DISCORD_API);
  way.leadTo(Number(api.port));
  api.port = `${way.port}`;
  return { ...made, way, byTheWay: { DISCORD_API: api.href } };
}

const viewOf = async ({ supervisor }: Member) => (await supervisor.call("GET", "/health/ready")).body;

test("a leader whose way to Discord is cut hands over after 30 s: what waited is posted once by another, who is told why; alone again it leads again", {
  timeout: 180_000,
}, async (t) => {
  const { world, guild, join, way, byTheWay } = await createWorldWithWay(t);
  const a = await join("a", { ...byTheWay, HQ_HOST: "alpha" });
  const b = await join("b", { HQ_HOST: "beta" });
  const before = await ask(a, "before", { agent: "webster", objective: "before the cut" });
  await untilQuiet(a.supervisor, [before]);
  const online = () =>
    guild.inspect.next(
      (event) => (event.kind === "bot" && event.online ? Date.now() : undefined),
      STANDS_DOWN_MS + BUSY_MS,
    );
  const back = online();
  const cutAt = Date.now();
  way.cut();
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      ask(n % 2 ? a : b, `cut-${n}`, { agent: "webster", objective: `job ${n}` }),
    ),
  );
  const said = await person(guild).say("task-queue", "In the gap [agent:optimizer]");
  const tookMs = (await back) - cutAt;
  t.diagnostic(`another one led ${seconds(tookMs)} after the way was cut`);
  assert.ok(tookMs >= 30_000, "a normal reconnection is waited for");
  await leadsAlone(b, "b");
  assert.ok(hasSaid(a, LEFT));
  await untilQuiet(b.supervisor, ids);
  await until(() =>
    guild.inspect.messages("task-queue").some(({ replyTo }) => replyTo?.messageId === said.id),
  );

  // It says so with its next sign of life.
  const alpha = ({ members }: { members: any[] }) => members.find(({ host }) => host === "alpha");
  let health = await viewOf(b);
  while (!alpha(health).standsBack) health = await viewOf(b);
  const { standsBack } = alpha(health);
  assert.equal(health.ready, true, "work goes on");
  assert.ok(standsBack.until - standsBack.since >= 30_000);
  const told = health.checks.find(({ name }: { name: string }) => name === "members");
  assert.match(
    told.text,
    /^alpha \(pid \d+\) did not reach Discord .* ago \(.+\), leaves the lead to others/,
  );

  const link = await b.supervisor.call("POST", "/page/link");
  const page = await openPage(t, browser(), String(link.body.url));
  const line = page.getByRole("list", { name: "Supervisors" }).getByRole("listitem");
  await sees(line.filter({ hasText: "alpha" }).getByText(/^Did not reach Discord at .+: ./));
  await page.close();

  // It still stands back; where nobody else is left, it leads.
  way.mend();
  const again = online();
  await b.supervisor.stop();
  await again;
  await leadsAlone(a, "a");
  await until(async () => (await viewOf(a)).ready);
  const last = await ask(a, "last", { agent: "auditor", objective: "alone" });
  await untilQuiet(a.supervisor, [last]);
  await until(async () => !alpha(await viewOf(a)).standsBack);
  const { body } = await a.supervisor.call("GET", "/delegations?limit=50");
  const all: string[] = body.items.map(({ id }: { id: string }) => id);
  await untilQuiet(a.supervisor, all);
  assert.equal(all.length, 11);
  assert.deepEqual(await verdict(world, a, all), clean(11));
});

test("a leader whose requests are not answered while its connection stays hands over after 30 s too", {
  timeout: 180_000,
}, async (t) => {
  const { world, guild, join, way, byTheWay } = await createWorldWithWay(t, "there");
  const a = await join("a", byTheWay);
  const b = await join("b");
  const before = await ask(a, "before", { agent: "webster", objective: "before the cut" });
  await untilQuiet(a.supervisor, [before]);
  const cutAt = Date.now();
  way.cut();
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      ask(n % 2 ? a : b, `cut-${n}`, { agent: "webster", objective: `job ${n}` }),
    ),
  );
  await until(() => hasSaid(a, LEFT));
  const tookMs = Date.now() - cutAt;
  t.diagnostic(`it handed over ${seconds(tookMs)} after its requests were cut off`);
  assert.ok(tookMs >= 30_000, "a moment without an answer is waited for");
  await leadsAlone(b, "b");
  await untilQuiet(b.supervisor, ids);
  const alpha = (await viewOf(b)).members.find(({ isUs }: { isUs: boolean }) => !isUs);
  assert.match(alpha.standsBack.why, /^Discord has answered no request since /);
  assert.deepEqual(
    guild.inspect.handshakes().map(({ kind }) => kind),
    ["identified", "resumed"],
  );
  const all = [before, ...ids];
  assert.deepEqual(await verdict(world, b, all), clean(7));
});

test("alone, a leader that does not reach Discord keeps the lead and goes on trying; as soon as another one joins, that one leads", {
  timeout: 120_000,
}, async (t) => {
  const { world, guild, join, way, byTheWay } = await createWorldWithWay(t);
  way.cut();
  const a = await join("a", byTheWay);
  const id = await ask(a, "waits", { agent: "webster", objective: "waits for Discord" });
  await until(() => hasSaid(a, /Discord is not reached from here, and nobody else can lead now/));
  await leadsAlone(a, "a");
  const joined = Date.now();
  const b = await join("b");
  await leadsAlone(b, "b");
  t.diagnostic(`it led ${seconds(Date.now() - joined)} after it was started`);
  await untilQuiet(b.supervisor, [id]);
  assert.deepEqual(
    guild.inspect.handshakes().map(({ kind }) => kind),
    ["identified"],
  );
  assert.deepEqual(await verdict(world, b, [id]), clean(1));
});

test("Discord is away for all: the lead goes round, begins no session, and what waited is posted once when it is back", {
  timeout: 240_000,
}, async (t) => {
  const { world, guild, join } = await createLeaderWorld(t, postgres, {});
  const a = await join("a");
  const b = await join("b");
  guild.faults.outage(true);
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, n) => ask(b, `out-${n}`, { agent: "webster", objective: `job ${n}` })),
  );
  await until(() => hasSaid(a, LEFT));
  await until(() => hasSaid(b, LEFT));
  await leadsAlone(b, "a");
  guild.faults.outage(false);
  await untilQuiet(a.supervisor, ids);
  await until(async () => (await viewOf(a)).ready && (await viewOf(b)).ready);
  const kinds = guild.inspect.handshakes().map(({ kind }) => kind);
  assert.ok(kinds.filter((kind) => kind === "identified").length <= 2, kinds.join(", "));
  assert.deepEqual(await verdict(world, a, ids), clean(6));
});

async function verdict(world: Parameters<typeof judge>[0], { supervisor }: Member, ids: readonly string[]) {
  return { ...(await judge(world, supervisor, ids)), ambiguous: 0 };
}

function clean(asked: number) {
  return { asked, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 };
}
