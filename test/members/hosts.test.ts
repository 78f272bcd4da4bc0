import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { query } from "../ledger/postgres-query.ts";
import { startHosts } from "../support/hosts.ts";
import { startPostgres } from "../support/postgres.ts";
import { askAtEach, createHostsWorld, type Member, seenBy, untilSeen, wrongOf } from "./hosts-fixture.ts";

const NAMES = ["alpha", "beta", "gamma"];
const AGENTS = ["webster", "optimizer", "auditor"];
const TAKEOVER_MS = 15_000;
const JOINS_MS = 30_000;

const network = startHosts(NAMES);
after(network.remove);
const postgres = await startPostgres({ address: network.address });
after(() => postgres.stop());

/** Open effects that this member holds, as the database has it. */
async function heldBy(database: string, home: string): Promise<number> {
  const [row] = await query(
    database,
    `select count(*) as n from hq.outbox o join hq.member m on m.id = o.holder
     where o.settled_at is null and m.home = $1`,
    [readFileSync(join(home, "member"), "utf8").trim()],
  );
  return Number(row?.["n"]);
}

test("three supervisors on hosts of their own join by the database alone, and status on each shows all and who leads", {
  timeout: 120_000,
}, async (t) => {
  const place = await createHostsWorld(t, network, postgres, {});
  const members = await place.startAll();
  for (const member of members) {
    await untilSeen(member, ({ hosts, leads }) => hosts.length === 3 && leads.length === 1, JOINS_MS);
    const { code, out, err } = await place.hq(member, "status");
    assert.equal(code, 0, err);
    assert.match(out, /members +ok +3 at work/);
    for (const name of NAMES) assert.match(out, new RegExp(`home-\\w+ .*${name} \\d+ `));
    assert.match(out, new RegExp(`home-\\w+ \\* +${member.host.name} \\d+ `), "who answered");
    assert.match(out, /alpha \d+ .*leads on Discord/);
    assert.equal(out.match(/leads on Discord/g)?.length, 1, out);
  }
});

test("work asked at each host is done once, and an agent's limit of two holds over all of them", {
  timeout: 120_000,
}, async (t) => {
  const askers = new Set<string>();
  const place = await createHostsWorld(t, network, postgres, {
    answer(_, from) {
      askers.add(from);
      return { kind: "ok" };
    },
  });
  const members = await place.startAll();
  const ids = await askAtEach(members, ["webster"], 10, "limit");
  assert.deepEqual(await wrongOf(place, members[1] as Member, ids), []);
  const webster = place.world.gateways.find(({ agent }) => agent === "webster");
  assert.equal(webster?.mostAtOnce(), 2);
  assert.equal(webster?.executions.length, 30);
  t.diagnostic(`asked by ${[...askers].join(", ")}; handoffs ${JSON.stringify([...place.front.taken])}`);
  assert.ok(askers.size > 1, "more than one supervisor asks the agent");
  assert.equal(place.front.taken.size, 3, "any of them takes a handoff");
});

/** Ends a leader's part in the work, in the moment in which it has just asked an agent and waits for the answer. */
async function inTheMiddle(t: TestContext, end: (leader: Member) => void) {
  const ended = Promise.withResolvers<void>();
  let leader: Member | undefined;
  const place = await createHostsWorld(t, network, postgres, {
    worksMs: () => 1000,
    answer(_, from) {
      if (from === leader?.host.address) {
        end(leader);
        leader = undefined;
        ended.resolve();
      }
      return { kind: "ok" };
    },
  });
  const [first, ...others] = (await place.startAll()) as readonly [Member, Member, Member];
  const [second] = others;
  await untilSeen(second, ({ hosts, leads }) => hosts.length === 3 && leads[0] === "alpha", JOINS_MS);
  const ids = await askAtEach([first, ...others], AGENTS, 12, "middle");
  leader = first;
  await ended.promise;
  return { place, first, second, others, ids };
}

/** What the one that is gone had begun is held by it, until another one leads. */
async function untilTakenOver(t: TestContext, database: string, gone: Member, second: Member): Promise<void> {
  assert.ok((await heldBy(database, gone.home)) > 0, "it holds what it had begun");
  const tookMs = await untilSeen(second, ({ leads }) => leads.length === 1 && leads[0] !== "alpha", 60_000);
  t.diagnostic(`another one leads after ${(tookMs / 1000).toFixed(1)} s`);
  assert.ok(tookMs < TAKEOVER_MS, `${tookMs} ms`);
}

test("the host of who leads loses its network in the middle of work: others do what it held, and it comes back by itself", {
  timeout: 240_000,
}, async (t) => {
  const { place, first, second, others, ids } = await inTheMiddle(t, ({ host }) => host.unplug());
  await untilTakenOver(t, place.database, first, second);
  const more = await askAtEach(others, AGENTS, 3, "meanwhile");
  assert.deepEqual(await wrongOf(place, second, [...ids, ...more]), []);
  assert.deepEqual((await seenBy(second)).hosts, ["beta", "gamma"]);
  const alone = await place.hq(first, "status");
  assert.equal(alone.code, 1, alone.out);
  assert.match(alone.err, /The database hq_\w+ at [\d.]+:\d+ does not answer\. .*mend the way to it/);

  first.host.plug();
  const backMs = await untilSeen(first, ({ hosts }) => hosts.length === 3, JOINS_MS);
  t.diagnostic(`at work again ${(backMs / 1000).toFixed(1)} s after its network`);
  assert.equal(first.supervisor.child.exitCode, null, "nobody started it again");
  const last = await askAtEach([first], AGENTS, 3, "back");
  assert.deepEqual(await wrongOf(place, first, [...ids, ...more, ...last]), []);
});

test("the supervisor that leads is killed on its host in the middle of work: others do what it held, and a new one joins", {
  timeout: 240_000,
}, async (t) => {
  const kill = ({ supervisor }: Member) => supervisor.child.kill("SIGKILL");
  const { place, first, second, others, ids } = await inTheMiddle(t, kill);
  await first.supervisor.exited;
  await untilTakenOver(t, place.database, first, second);
  const more = await askAtEach(others, AGENTS, 3, "meanwhile");
  assert.deepEqual(await wrongOf(place, second, [...ids, ...more]), []);
  assert.deepEqual((await seenBy(second)).hosts, ["beta", "gamma"]);

  const again = await place.start(first.host);
  await untilSeen(again, ({ hosts }) => hosts.length === 3, JOINS_MS);
  const last = await askAtEach([again], AGENTS, 3, "back");
  assert.deepEqual(await wrongOf(place, again, [...ids, ...more, ...last]), []);
});
