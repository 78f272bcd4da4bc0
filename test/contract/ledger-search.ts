import assert from "node:assert/strict";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import type { SearchEntry, SearchFor } from "../../src/engine/ports/search.ts";
import { type Check, commitOf, noted, written } from "./ledger-fixture.ts";

const NOTHING = { words: [] };

function entryOf(stream: string, text: string, more: Partial<SearchEntry> = {}): SearchEntry {
  return { stream, kind: "delegation", status: "queued", words: text.split(" "), ...more };
}

async function kept(ledger: Ledger, entries: readonly SearchEntry[]): Promise<void> {
  const from = await ledger.search.position();
  const to = await ledger.search.head();
  assert.equal(await ledger.search.put({ from, to, entries }), true);
}

async function found(ledger: Ledger, query: Partial<SearchFor>): Promise<readonly string[]> {
  const { items } = await ledger.search.find({ asked: NOTHING, limit: 50, ...query });
  return items.map(({ stream }) => stream);
}

/** The index over all history. */
export function checkSearch(check: Check): void {
  check("changes are told in order, without what happened before a position", async (ledger) => {
    assert.deepEqual(await ledger.search.changes(0, 10), []);
    assert.equal(await ledger.search.head(), 0);
    const first = await written(ledger, commitOf("orch-1"));
    const second = await written(ledger, commitOf("orch-2", { events: [noted("a"), noted("b")] }));
    const all = await ledger.search.changes(0, 10);
    assert.deepEqual(
      all.map(({ stream, type }) => [stream, type]),
      [
        ["orch-1", "test.noted"],
        ["orch-2", "test.noted"],
        ["orch-2", "test.noted"],
      ],
    );
    assert.equal(await ledger.search.head(), second.position);
    assert.deepEqual(await ledger.search.changes(first.position, 1), all.slice(1, 2));
  });

  check("every word must be there, and the last one may be a beginning", async (ledger) => {
    for (const id of ["orch-1", "orch-2", "orch-3"]) await written(ledger, commitOf(id));
    await kept(ledger, [
      entryOf("orch-1", "find the cte of zerodur"),
      entryOf("orch-2", "find the cost of zerodur"),
      entryOf("orch-3", "zero"),
    ]);
    const ask = (words: readonly string[], beginning?: string) =>
      found(ledger, { asked: { words, ...(beginning === undefined ? {} : { beginning }) } });
    assert.deepEqual(await ask(["zerodur"]), ["orch-2", "orch-1"]);
    assert.deepEqual(await ask(["zerodur", "cte"]), ["orch-1"]);
    assert.deepEqual(await ask([], "zero"), ["orch-3", "orch-2", "orch-1"]);
    assert.deepEqual(await ask(["find"], "z"), ["orch-2", "orch-1"]);
    assert.deepEqual(await ask(["zero"]), ["orch-3"]);
    assert.deepEqual(await ask(["zerodur", "nothing"]), []);
    assert.deepEqual(await ask([]), ["orch-3", "orch-2", "orch-1"]);
  });

  check("words of any language and words that mean something to a query are only words", async (ledger) => {
    await written(ledger, commitOf("orch-1"));
    const words = ["and", "or", "not", "near", "ünit", "жук", "鏡", "42"];
    await kept(ledger, [entryOf("orch-1", words.join(" "))]);
    for (const word of words) {
      assert.deepEqual(await found(ledger, { asked: { words: [word] } }), ["orch-1"], word);
      assert.deepEqual(await found(ledger, { asked: { words: [], beginning: word } }), ["orch-1"], word);
    }
  });

  check("kind, status and agent narrow it, any of several", async (ledger) => {
    await written(ledger, commitOf("orch-1", { agent: "tech-lead" }));
    await written(ledger, commitOf("orch-2", { agent: "webster", status: "failed" }));
    await written(ledger, commitOf("wf-1", { kind: "run", status: "running" }));
    await kept(ledger, [
      entryOf("orch-1", "glass", { agent: "tech-lead" }),
      entryOf("orch-2", "glass webster", { agent: "webster", status: "failed" }),
      entryOf("wf-1", "glass tech lead failed", { kind: "run", status: "running" }),
    ]);
    assert.deepEqual(await found(ledger, { kinds: ["run"] }), ["wf-1"]);
    assert.deepEqual(await found(ledger, { kinds: ["run", "delegation"] }), ["wf-1", "orch-2", "orch-1"]);
    assert.deepEqual(await found(ledger, { statuses: ["failed"] }), ["orch-2"]);
    assert.deepEqual(await found(ledger, { agents: ["tech-lead", "nobody"] }), ["orch-1"]);
    const asked = { words: ["glass"] };
    assert.deepEqual(await found(ledger, { asked, kinds: ["delegation"], agents: ["webster"] }), ["orch-2"]);
    assert.deepEqual(await found(ledger, { asked, agents: ["tech"] }), []);
    assert.deepEqual(await found(ledger, { asked, statuses: ['" OR "x', "*"] }), []);
  });

  check("a stream is found by what was put last, and shown as it is now", async (ledger) => {
    const { version } = await written(ledger, commitOf("orch-1"));
    await kept(ledger, [entryOf("orch-1", "before")]);
    await written(ledger, commitOf("orch-1", { expectedVersion: version, status: "succeeded", open: false }));
    await kept(ledger, [entryOf("orch-1", "after", { status: "succeeded" })]);
    assert.deepEqual(await found(ledger, { asked: { words: ["before"] } }), []);
    assert.deepEqual(await found(ledger, { statuses: ["queued"] }), []);
    const { items } = await ledger.search.find({ asked: { words: ["after"] }, limit: 5 });
    assert.deepEqual(
      items.map(({ stream, status, version: at }) => [stream, status, at]),
      [["orch-1", "succeeded", 2]],
    );
  });

  check("pages follow each other without gaps, newest first", async (ledger) => {
    const ids = Array.from({ length: 7 }, (_, i) => `orch-${i}`);
    for (const id of ids) await written(ledger, commitOf(id));
    await kept(
      ledger,
      ids.map((id) => entryOf(id, "glass")),
    );
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = await ledger.search.find({
        asked: { words: ["glass"] },
        limit: 3,
        ...(before === undefined ? {} : { before }),
      });
      seen.push(...page.items.map(({ stream }) => stream));
      before = page.next;
    } while (before !== undefined);
    assert.deepEqual(seen, ids.toReversed());
    const asked = { words: ["glass"] };
    for (const no of ["no cursor!", "nope"])
      await assert.rejects(ledger.search.find({ asked, limit: 3, before: no }), { code: "invalid_input" });
  });

  check(
    "whoever comes second moves nothing, and nothing is lost when it is opened again",
    async (ledger, reopen) => {
      await written(ledger, commitOf("orch-1"));
      await written(ledger, commitOf("orch-2"));
      const [first, second] = await Promise.all([
        ledger.search.put({ from: 0, to: 1, entries: [entryOf("orch-1", "glass")] }),
        ledger.search.put({ from: 0, to: 2, entries: [entryOf("orch-2", "glass")] }),
      ]);
      assert.deepEqual([first, second].sort(), [false, true]);
      const position = await ledger.search.position();
      const again = await reopen();
      assert.equal(await again.search.position(), position);
      assert.deepEqual(await found(again, { asked: { words: ["glass"] } }), [`orch-${position}`]);
    },
  );

  check("what is forgotten is found no more", async (ledger) => {
    for (const id of ["orch-1", "orch-2"]) await written(ledger, commitOf(id));
    await kept(ledger, [entryOf("orch-1", "glass"), entryOf("orch-2", "glass")]);
    await ledger.search.forget(["orch-1", "orch-none"]);
    assert.deepEqual(await found(ledger, { asked: { words: ["glass"] } }), ["orch-2"]);
    assert.deepEqual(await found(ledger, {}), ["orch-2"]);
  });

  check(
    "putting the index in order changes nothing of what is found, and comes to an end",
    async (ledger) => {
      for (let i = 0; i < 20; i++) {
        await written(ledger, commitOf(`orch-${i}`));
        await kept(ledger, [entryOf(`orch-${i}`, `glass n${i}`)]);
      }
      let rounds = 0;
      while (await ledger.search.tidy()) assert.ok(++rounds < 1000);
      assert.equal((await found(ledger, { asked: { words: ["glass"] } })).length, 20);
      assert.deepEqual(await found(ledger, { asked: { words: ["n7"] } }), ["orch-7"]);
    },
  );
}
