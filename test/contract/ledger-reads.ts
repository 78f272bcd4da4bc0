import assert from "node:assert/strict";
import type { EventQuery, Ledger, ListQuery } from "../../src/engine/ports/ledger.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { AT, type Check, commitOf, noted, written } from "./ledger-fixture.ts";

/** Ten delegations of two agents, five of them settled, and a delivery. */
async function fill(ledger: Ledger): Promise<void> {
  await written(ledger, commitOf("delivery-1", { kind: "delivery", status: "posted", open: false }));
  for (let i = 0; i < 10; i++) {
    await written(ledger, commitOf(`run-${i}`, { agent: i % 2 ? "nx" : "webster" }));
    if (i < 5) {
      const status = i < 3 ? "succeeded" : "failed";
      await written(
        ledger,
        commitOf(`run-${i}`, { agent: i % 2 ? "nx" : "webster", status, open: false, expectedVersion: 1 }),
      );
    }
  }
}

async function listed(ledger: Ledger, query: Partial<ListQuery>): Promise<string> {
  const { items } = await ledger.list({ kind: "delegation", limit: 100, ...query });
  return items.map(({ stream }) => stream.replace("run-", "")).join(" ");
}

export function checkReads(check: Check): void {
  check(
    "a list is newest first, by kind, status, agent and openness, each alone and together",
    async (ledger) => {
      await fill(ledger);
      assert.equal(await listed(ledger, {}), "9 8 7 6 5 4 3 2 1 0");
      assert.equal(await listed(ledger, { kind: "delivery" }), "delivery-1");
      assert.equal(await listed(ledger, { kind: "stray" }), "");
      assert.equal(await listed(ledger, { status: ["failed", "succeeded"] }), "4 3 2 1 0");
      assert.equal(await listed(ledger, { status: ["failed"] }), "4 3");
      assert.equal(await listed(ledger, { status: [] }), "");
      assert.equal(await listed(ledger, { agent: "nx" }), "9 7 5 3 1");
      assert.equal(await listed(ledger, { agent: "nobody" }), "");
      assert.equal(await listed(ledger, { open: true }), "9 8 7 6 5");
      assert.equal(await listed(ledger, { open: false, agent: "webster" }), "4 2 0");
      assert.equal(await listed(ledger, { open: true, agent: "webster", status: ["queued"] }), "8 6");
      assert.equal(await listed(ledger, { open: true, status: ["failed"] }), "");
    },
  );

  check("pages follow one another without gaps or repeats, also while new work arrives", async (ledger) => {
    await fill(ledger);
    const seen: string[] = [];
    let before: string | undefined;
    for (let page = 0; page < 4; page++) {
      const { items, next } = await ledger.list({
        kind: "delegation",
        limit: 3,
        ...(before ? { before } : {}),
      });
      seen.push(items.map(({ stream }) => stream.replace("run-", "")).join(""));
      await written(ledger, commitOf(`late-${page}`));
      before = next;
    }
    assert.deepEqual(seen, ["987", "654", "321", "0"]);
    assert.equal(before, undefined);
  });

  check("a page that ends exactly at the end has no next", async (ledger) => {
    await fill(ledger);
    const page = await ledger.list({ kind: "delegation", limit: 10 });
    assert.deepEqual([page.items.length, page.next], [10, undefined]);
    const five = await ledger.list({ kind: "delegation", status: ["queued"], limit: 4 });
    const last = await ledger.list({
      kind: "delegation",
      status: ["queued"],
      limit: 1,
      before: five.next ?? "",
    });
    assert.deepEqual([five.items.length, last.items[0]?.stream, last.next], [4, "run-5", undefined]);
  });

  check("a cursor that is none is refused", async (ledger) => {
    await fill(ledger);
    const { next = "" } = await ledger.list({ kind: "delegation", limit: 1 });
    // A word that could be a number, a place without what is behind it, one that was cut, and one that was mistyped.
    for (const before of ["../x", "nope", "", "0", next.split("-")[0] ?? "", next.slice(0, -1), `1${next}`]) {
      const list = ledger.list({ kind: "delegation", limit: 1, before });
      await assert.rejects(
        list,
        (error) => isRefusal(error) && error.code === "invalid_input" && /as `next`/.test(error.hint ?? ""),
        before,
      );
    }
  });

  check("who asks by a name with U+0000 in it finds nothing", async (ledger) => {
    await written(ledger, commitOf("run-1"));
    const name = "run-1\0";
    const found = await Promise.all([
      ledger.load(name),
      ledger.keyOf("s", name),
      ledger.recall(name),
      ledger.blob(name),
      ledger.list({ kind: "delegation", agent: name, limit: 9 }).then(({ items }) => items[0]),
      ledger.events({ stream: name, limit: 9 }).then(([first]) => first),
      ledger.events({ types: [name], limit: 9 }).then(([first]) => first),
      ledger.receipts(name).then(([first]) => first),
      ledger.receiptsOf(name).then(([first]) => first),
      ledger.trail.receiptsAt(name).then(([first]) => first),
      ledger.trail.effectsOf(name, 9).then(([first]) => first),
    ]);
    assert.deepEqual(new Set(found), new Set([undefined]));
  });

  check("a listed stream is what load says, with state and columns", async (ledger) => {
    await fill(ledger);
    const { items } = await ledger.list({ kind: "delegation", status: ["failed"], limit: 1 });
    assert.deepEqual(items[0], await ledger.load("run-4"));
  });

  check("counts say how many streams there are of each kind and status", async (ledger, reopen) => {
    assert.deepEqual(await ledger.counts(), []);
    await fill(ledger);
    const expected = [
      { kind: "delegation", status: "failed", count: 2 },
      { kind: "delegation", status: "queued", count: 5 },
      { kind: "delegation", status: "succeeded", count: 3 },
      { kind: "delivery", status: "posted", count: 1 },
    ];
    assert.deepEqual(await ledger.counts(), expected);
    assert.deepEqual(await (await reopen()).counts(), expected);
  });

  check("a refused commit counts nothing", async (ledger) => {
    await fill(ledger);
    const before = await ledger.counts();
    await ledger.commit(commitOf("run-9", { expectedVersion: 5, status: "failed", open: false }));
    assert.deepEqual(await ledger.counts(), before);
  });

  check(
    "events are read forwards after a position, backwards before one, by stream and by type",
    async (ledger) => {
      for (let i = 0; i < 3; i++) {
        const done = { type: "test.done", schema: 1, body: i };
        const odd = { type: "test.odd", schema: 1, body: i };
        await written(ledger, commitOf(`s-${i}`, { events: [noted("x"), done, odd] }));
      }
      const at = async (query: EventQuery) =>
        (await ledger.events(query)).map(({ position }) => position).join(" ");
      assert.equal(await at({ limit: 4 }), "1 2 3 4");
      assert.equal(await at({ after: 7, limit: 9 }), "8 9");
      assert.equal(await at({ before: 4, limit: 2 }), "3 2");
      assert.equal(await at({ types: ["test.done"], limit: 2 }), "2 5");
      assert.equal(await at({ types: ["test.odd", "test.done", "test.odd"], after: 2, limit: 3 }), "3 5 6");
      assert.equal(await at({ types: ["test.odd", "test.done"], before: 9, limit: 3 }), "8 6 5");
      assert.equal(await at({ types: [], limit: 3 }), "");
      assert.equal(await at({ types: ["test.never"], limit: 3 }), "");
      assert.equal(await at({ stream: "s-1", limit: 9 }), "4 5 6");
      assert.equal(await at({ stream: "s-1", after: 4, limit: 1 }), "5");
      assert.equal(await at({ stream: "s-1", before: 6, limit: 9 }), "5 4");
      assert.equal(await at({ stream: "s-1", types: ["test.odd", "test.noted"], limit: 9 }), "4 6");
      assert.equal(await at({ stream: "s-1", types: [], limit: 9 }), "");
      assert.equal(await at({ stream: "nobody", limit: 9 }), "");
    },
  );

  check("receipts are found by delivery and by subject, in order of their parts", async (ledger) => {
    const receipt = (delivery: string, part: number) => ({
      delivery,
      part,
      nonce: `${delivery}-${part}`,
      channel: "1",
      message: `m-${delivery}-${part}`,
      postedAt: AT,
    });
    const receipts = [receipt("run-1/result", 1), receipt("run-1/result", 0), receipt("run-1/log", 0)];
    await written(ledger, commitOf("a", { receipts }));
    await written(ledger, commitOf("b", { receipts: [receipt("run-10/log", 0), receipt("run-1", 0)] }));
    const parts = (found: readonly { delivery: string; part: number }[]) =>
      found.map(({ delivery, part }) => `${delivery}#${part}`);
    assert.deepEqual(parts(await ledger.receipts("run-1/result")), ["run-1/result#0", "run-1/result#1"]);
    const all = ["run-1/log#0", "run-1/result#0", "run-1/result#1"];
    assert.deepEqual(parts(await ledger.receiptsOf("run-1")), all);
  });
}
