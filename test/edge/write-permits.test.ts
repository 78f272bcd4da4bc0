import assert from "node:assert/strict";
import test from "node:test";
import { createWritePermits, SENT_WITHIN_MS } from "../../src/app/write-permits.ts";
import { DiscordError } from "../../src/discord/discord-failure.ts";
import { createRest } from "../../src/discord/rest.ts";
import { startGuild } from "../support/guild.ts";

const TOKEN = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** Permits by clocks, a lease and a life that the test sets. */
function world() {
  const at = { wall: 1_000_000, steady: 5000, term: 7 as number | undefined, life: 3 as number | undefined };
  const permits = createWritePermits({
    shared: { term: () => at.term, life: () => at.life },
    wall: () => at.wall,
    steady: () => at.steady,
  });
  return { at, permits };
}
const CLAIMED = { isFree: false };

test("what was claimed is sent within 60 s of its turn by whichever clock is ahead, through every wait", async () => {
  for (const clock of ["wall", "steady"] as const) {
    const { at, permits } = world();
    await permits.claimed("leader")(async () => {
      await Promise.resolve();
      assert.equal(permits.refusal(CLAIMED), undefined);
      at[clock] += SENT_WITHIN_MS;
      await new Promise(setImmediate);
      assert.equal(permits.refusal(CLAIMED), undefined);
      at[clock] += 1;
      assert.match(permits.refusal(CLAIMED) ?? "", /within 60 s/);
    });
  }
});

test("nothing of an earlier lease or life is sent, be it won again or not; what waits in line keeps the claim's number", async () => {
  const { at, permits } = world();
  const asLeader = permits.claimed("leader");
  const asMember = permits.claimed("member");
  const leader = () => asLeader(async () => permits.refusal(CLAIMED));
  const member = () => asMember(async () => permits.refusal(CLAIMED));
  at.wall += 10 * SENT_WITHIN_MS;
  assert.equal(await leader(), undefined, "its time begins when it is its turn");
  at.term = undefined;
  assert.match((await leader()) ?? "", /another supervisor may lead/);
  assert.equal(await member(), undefined, "an interaction is anybody's to answer who lives");
  at.term = 8;
  assert.match((await leader()) ?? "", /another supervisor may lead/, "won again, after another one had it");
  at.term = 7;
  assert.equal(await leader(), undefined);
  at.life = undefined;
  assert.match((await member()) ?? "", /taken this supervisor for gone/);
  at.life = 4;
  assert.match((await member()) ?? "", /taken this supervisor for gone/);
});

test("what nobody claimed needs the lease, but for Discord's own tokens of interactions", () => {
  const { at, permits } = world();
  assert.equal(permits.refusal({ isFree: false }), undefined);
  at.term = undefined;
  assert.match(permits.refusal({ isFree: false }) ?? "", /another supervisor may lead/);
  assert.equal(permits.refusal({ isFree: true }), undefined);
});

test("the look is just before each try: after Discord asked to wait, the second try is not sent", async (t) => {
  const guild = await startGuild(t);
  const { at, permits } = world();
  const rest = createRest({ token: TOKEN, api: guild.restApi, guard: permits, log: LOG, now: Date.now });
  const channel = guild.inspect.channelId("results");
  const payload = { content: "once", files: [] };
  guild.faults.add({ kind: "rate-limit", method: "POST", path: "/messages", retryAfterMs: 50 });
  const held = guild.faults.hold({ method: "POST", path: "/messages" });
  const posting = permits.claimed("leader")(() => rest.post(channel, "late/result", 0, payload));
  await held.arrived;
  at.term = undefined;
  held.release();
  await assert.rejects(posting, (error) => {
    assert.ok(error instanceof DiscordError);
    assert.equal(error.failure.kind, "withheld");
    assert.match(error.message, /nothing was sent/);
    return true;
  });
  assert.deepEqual(guild.inspect.messages("results"), []);
  // Reading is always allowed.
  assert.deepEqual(await rest.history(channel, { limit: 10 }), []);
  at.term = 7;
  await permits.claimed("leader")(() => rest.post(channel, "late/result", 0, payload));
  assert.equal(guild.inspect.messages("results").length, 1);
});
