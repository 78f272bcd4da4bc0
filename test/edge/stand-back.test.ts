import assert from "node:assert/strict";
import test from "node:test";
import {
  canOthersLead,
  createPatience,
  createStandBack,
  REACHED_WITHIN_MS,
} from "../../src/app/stand-back.ts";
import type { MemberView } from "../../src/engine/verbs.ts";

const NOW = 1_800_000_000_000;
const away = { leads: true, isReached: false };

function member(more: Partial<MemberView> = {}): MemberView {
  const known = {
    home: "home-b",
    host: "beta",
    version: "1.0.0",
    startedAt: NOW - 60_000,
    seenAt: NOW - 2500,
  };
  return { ...known, isUs: false, leads: false, ...more };
}

test("the time without a connection begins with the lead or with its loss, and ends with either", () => {
  let at = 5000;
  const patience = createPatience(() => at);
  assert.equal(patience.look(away), 0);
  at += 20_000;
  assert.equal(patience.look(away), 20_000);
  assert.equal(patience.look({ leads: true, isReached: true }), 0);
  at += 60_000;
  assert.equal(patience.look(away), 0, "a connection that is lost is waited for anew");
  at += 29_000;
  assert.equal(patience.look(away), 29_000);
  assert.equal(patience.look({ leads: false, isReached: false }), 0, "who does not lead need not be there");
  at += 1000;
  assert.equal(patience.look(away), 0);
});

test("the lead is left to others for 30 s, twice as long each time up to 5 minutes, and for 30 s again once it was connected", () => {
  const patience = createPatience(() => 0);
  assert.deepEqual(
    Array.from({ length: 6 }, () => patience.end() / 1000),
    [30, 60, 120, 240, 300, 300],
  );
  patience.look({ leads: true, isReached: true });
  assert.equal(patience.end(), 30_000);
});

test("it is told for an hour after its end, or until we were connected", () => {
  const at = { now: NOW, steady: 0 };
  const standBack = createStandBack({ now: () => at.now, steady: () => at.steady });
  assert.deepEqual([standBack.isOn(), standBack.told()], [false, undefined]);
  standBack.begin(30_000, "not connected for 30s");
  const told = { since: NOW, until: NOW + 30_000, why: "not connected for 30s" };
  assert.deepEqual([standBack.isOn(), standBack.told()], [true, told]);
  at.steady += 30_000;
  at.now += 3_629_999;
  assert.deepEqual([standBack.isOn(), standBack.told()], [false, told]);
  at.now += 1;
  assert.equal(standBack.told(), undefined);
  standBack.begin(60_000, "again");
  standBack.forget();
  assert.deepEqual([standBack.isOn(), standBack.told()], [false, undefined]);
});

test("others can lead who live, stay, have said who they are and do not stand back themselves", () => {
  const standsBack = { since: NOW - 40_000, until: NOW + 1, why: "not connected for 30s" };
  const { host: _, ...unknown } = member();
  const can = (...members: readonly MemberView[]) => canOthersLead(members, NOW);
  assert.equal(can(), false);
  assert.equal(can(member({ isUs: true })), false);
  assert.equal(can(member({ isTemporary: true })), false);
  assert.equal(can(unknown), false);
  assert.equal(can(member({ seenAt: NOW - 6000 })), false, "it may be gone");
  assert.equal(can(member({ standsBack })), false);
  assert.equal(can(member({ standsBack: { ...standsBack, until: NOW } })), true);
  assert.equal(can(member({ isUs: true }), member({ standsBack }), member()), true);
});

test("where nobody reaches Discord the lead goes round ever more slowly and is never without somebody", () => {
  let at = 0;
  const now = () => NOW + at;
  const all = ["a", "b", "c"].map((name) => ({
    name,
    patience: createPatience(() => at),
    standBack: createStandBack({ now, steady: () => at }),
  }));
  type One = (typeof all)[number];
  const seenBy = (us: One) =>
    all.map((one) => {
      const standsBack = one.standBack.told();
      return member({ isUs: one === us, seenAt: now(), ...(standsBack ? { standsBack } : {}) });
    });
  let leader: One | undefined = all[0];
  const turns: number[] = [];
  for (; at < 6 * 3_600_000; at += 1000) {
    leader ??= all.find((one) => !one.standBack.isOn() || !canOthersLead(seenBy(one), now()));
    assert.ok(leader, "somebody tries");
    const waited = leader.patience.look(away);
    if (waited < REACHED_WITHIN_MS || !canOthersLead(seenBy(leader), now())) continue;
    leader.standBack.begin(leader.patience.end(), "not connected for 30s");
    leader = undefined;
    turns.push(at);
  }
  const perHour = (from: number) => turns.filter((turn) => turn >= from && turn < from + 3_600_000).length;
  assert.ok(perHour(3_600_000) <= 36, "each at most once in five minutes");
  assert.ok(perHour(3_600_000) >= 12, "nobody is forgotten");
});
