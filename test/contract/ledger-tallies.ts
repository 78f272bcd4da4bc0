import assert from "node:assert/strict";
import type { Tally } from "../../src/domain/tally.ts";
import { AT, type Check, commitOf, written } from "./ledger-fixture.ts";

const HOUR: Tally = {
  span: "hour",
  at: AT,
  kind: "delegation",
  agent: "webster",
  workflow: "",
  status: "succeeded",
  figures: { counts: { n: 1, "usd.nano": 3 }, spans: { working: [500, 40, 1] } },
};
const ALL = { from: 0, until: Number.MAX_SAFE_INTEGER };

export function checkTallies(check: Check): void {
  check("kept figures are added up by key, also after reopening", async (ledger, reopen) => {
    assert.equal(await ledger.tallies.position(), 0);
    const other: Tally = { ...HOUR, agent: "auditor", figures: { counts: { n: 5 } } };
    assert.equal(await ledger.tallies.add({ from: 0, to: 7, tallies: [HOUR, other] }), true);
    const again = await reopen();
    const more: Tally = {
      ...HOUR,
      figures: { counts: { n: 2 }, spans: { working: [1200, 41, 2], waiting: [3, 3, 1] } },
    };
    assert.equal(await again.tallies.add({ from: 7, to: 9, tallies: [more] }), true);
    assert.equal(await again.tallies.position(), 9);
    const read = await again.tallies.read({ span: "hour", ...ALL });
    assert.deepEqual(
      new Map(read.map((tally) => [tally.agent, tally])),
      new Map([
        ["auditor", other],
        [
          "webster",
          {
            ...HOUR,
            figures: {
              counts: { n: 3, "usd.nano": 3 },
              spans: { working: [1700, 40, 1, 41, 2], waiting: [3, 3, 1] },
            },
          },
        ],
      ]),
    );
  });

  check("figures that were counted already change nothing", async (ledger) => {
    const counted = { from: 0, to: 7, tallies: [HOUR] };
    const both = await Promise.all([ledger.tallies.add(counted), ledger.tallies.add(counted)]);
    assert.deepEqual(both, [true, false]);
    assert.equal(await ledger.tallies.add({ from: 3, to: 9, tallies: [HOUR] }), false);
    assert.equal(await ledger.tallies.position(), 7);
    assert.deepEqual(await ledger.tallies.read({ span: "hour", ...ALL }), [HOUR]);
  });

  check("kept figures are read by span, time and kind", async (ledger) => {
    const tallies: readonly Tally[] = [
      HOUR,
      { ...HOUR, at: AT + 1 },
      { ...HOUR, kind: "run", agent: "", workflow: "design-review" },
      { ...HOUR, span: "all", at: 0 },
    ];
    await ledger.tallies.add({ from: 0, to: 1, tallies });
    const read = async (from: number, until: number) =>
      (await ledger.tallies.read({ span: "hour", from, until })).map(({ kind, at }) => `${kind} ${at - AT}`);
    assert.deepEqual((await read(AT, AT + 1)).toSorted(), ["delegation 0", "run 0"]);
    assert.deepEqual(await read(AT + 1, AT + 2), ["delegation 1"]);
    assert.deepEqual(await read(AT + 2, AT + 9), []);
    const runs = await ledger.tallies.read({ span: "hour", ...ALL, kind: "run" });
    assert.deepEqual(runs, [tallies[2]]);
    assert.deepEqual(await ledger.tallies.read({ span: "all", ...ALL }), [tallies[3]]);
  });

  check("the open stream of a status that is there longest is found", async (ledger) => {
    const oldest = () => ledger.tallies.oldestOpen({ kind: "delegation", status: "queued" });
    assert.equal(await oldest(), undefined);
    for (const id of ["b", "a", "c"]) await written(ledger, commitOf(id));
    await written(ledger, commitOf("elsewhere", { kind: "task", status: "queued" }));
    assert.equal(await oldest(), "b");
    await written(ledger, commitOf("b", { expectedVersion: 1, status: "succeeded", open: false }));
    assert.equal(await oldest(), "a");
  });
}
