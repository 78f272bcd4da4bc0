import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "../../src/domain/audit-types.ts";
import { apartFromAccepted, createAcceptMissing } from "../../src/engine/accept-missing.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

type Core = Awaited<ReturnType<typeof startCore>>;
const OPERATOR = { kind: "operator", via: "page" } as const;
const BY = "operator (page)";

/** A delivery whose message is gone. */
function goneOf(id: string, message: string): Finding & { readonly gone: string } {
  const of = id.slice(0, id.lastIndexOf("/"));
  return { fault: "unseen", id, of, reason: `${message} was deleted`, mend: "", gone: message };
}

const acceptAt = (core: Core) =>
  createAcceptMissing({ ledger: core.ledger, engine: core.engine, now: core.now });

const noted = (core: Core) => core.ledger.events({ types: ["finding.accepted"], after: -1, limit: 1000 });

/** One delegation with a result, a log line and a card that somebody deleted, and another one with its result. */
async function withGone(body: (core: Core, id: string) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const asked = { agent: "webster", objective: "Find the CTE", origin: { door: "cli" } } as const;
  const { id } = (await core.verbs.delegate(OPERATOR, asked)).delegation;
  await body(core, id);
  await core.stop();
  assert.deepEqual(core.broken, []);
}

test("what is accepted is told apart by delivery and message, and the rest is left as it was found", () =>
  withGone(async (core, id) => {
    const result = goneOf(`${id}/result`, "11");
    const again = goneOf(`${id}/result`, "12");
    const log = goneOf(`${id}/log`, "11");
    const stuck = { ...result, fault: "stuck" } as const;
    const { gone: _, ...unposted } = result;
    const [made] = await acceptAt(core)(
      OPERATOR,
      { findings: [result] },
      { ids: [result.id], why: "told by phone" },
    );
    const at = core.now();
    const gap = { id: result.id, message: "11", reason: "11 was deleted", by: BY, at, why: "told by phone" };
    assert.deepEqual(made, { ...gap, isNew: true });
    core.pass(1000);
    const found = [stuck, result, again, unposted, log];
    assert.deepEqual(await apartFromAccepted(core.ledger, found), {
      left: [stuck, again, unposted, log],
      accepted: [gap],
    });
    assert.deepEqual(await apartFromAccepted(core.ledger, []), { left: [], accepted: [] });
  }));

test("where nothing is gone, nothing that was accepted is asked for", async () => {
  const { gone: _, ...unposted } = goneOf("orch-1/result", "11");
  const ledger = { events: () => assert.fail("nothing is to be read") };
  assert.deepEqual(await apartFromAccepted(ledger, [unposted]), { left: [unposted], accepted: [] });
});

test("of more than 500 accepted messages none comes again", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const findings = Array.from({ length: 501 }, (_, index) => goneOf("orch-1/log", `${index}`));
  const accept = acceptAt(core);
  await Promise.all(findings.map((one) => accept(OPERATOR, { findings: [one] }, { ids: [one.gone] })));
  const { left, accepted } = await apartFromAccepted(core.ledger, findings);
  assert.deepEqual([left, accepted.length], [[], 501]);
});

test("a word names a delivery, what it tells of or a message; what several words name is accepted once", () =>
  withGone(async (core, id) => {
    const result = goneOf(`${id}/result`, "11");
    const log = goneOf(`${id}/log`, "12");
    const other = goneOf("orch-2/result", "13");
    const third = goneOf("orch-2/log", "14");
    const findings = [result, log, other, third];
    const accept = acceptAt(core);
    const names = async (...ids: string[]) =>
      (await accept(OPERATOR, { findings }, { ids })).map((one) => `${one.id} ${one.isNew}`);
    assert.deepEqual(await names("13"), ["orch-2/result true"]);
    assert.deepEqual(await names(log.id, id, log.gone), [`${log.id} true`, `${result.id} true`]);
    assert.deepEqual(await names(id), [`${result.id} false`, `${log.id} false`], "the events are the same");
    assert.equal((await noted(core)).length, 3);
  }));

test("who was quicker is named: the first one's words and time stand, also when both ask at once", () =>
  withGone(async (core, id) => {
    const findings = [goneOf(`${id}/result`, "11")];
    const accept = acceptAt(core);
    const at = core.now();
    const both = await Promise.all([
      accept(OPERATOR, { findings }, { ids: [id], why: "told by phone" }),
      accept({ kind: "operator" }, { findings }, { ids: [id] }),
    ]);
    core.pass(1000);
    const late = await accept({ kind: "operator" }, { findings }, { ids: [id], why: "too late" });
    for (const [one] of [...both, late])
      assert.deepEqual([one?.by, one?.at, one?.why, one?.message], [BY, at, "told by phone", "11"]);
    assert.deepEqual(
      [...both, late].map(([one]) => one?.isNew),
      [true, false, false],
    );
    const [event, ...more] = await noted(core);
    assert.deepEqual(more, []);
    assert.deepEqual([event?.actor, event?.cause], [BY, `audit of ${id}/result`]);
    assert.ok(event);
    const { id: stream, ...body } = event.body as { id: string };
    assert.equal(stream, event.stream);
    assert.deepEqual(body, {
      type: "finding.accepted",
      at,
      by: BY,
      finding: { fault: "unseen", id: `${id}/result`, reason: "11 was deleted", of: id },
      message: "11",
      why: "told by phone",
      parent: id,
    });
  }));

test("what tells of something that is not in the ledger any more is accepted without a parent", () =>
  withGone(async (core) => {
    const findings = [goneOf("orch-gone/result", "11")];
    await acceptAt(core)(OPERATOR, { findings }, { ids: ["11"] });
    const [event] = await noted(core);
    assert.deepEqual(Object.keys(event?.body as object).includes("parent"), false);
  }));

test("what was accepted before is named by its delivery, what it tells of or its message, and not noted again", () =>
  withGone(async (core, id) => {
    const accept = acceptAt(core);
    const first = goneOf(`${id}/result`, "11");
    await accept(OPERATOR, { findings: [first] }, { ids: [id] });
    const { accepted } = await apartFromAccepted(core.ledger, [first]);
    const log = goneOf(`${id}/log`, "12");
    for (const word of [`${id}/result`, id, "11"]) {
      const [one, ...more] = await accept(OPERATOR, { findings: [], accepted }, { ids: [word, word] });
      assert.deepEqual([one?.id, one?.isNew, more], [`${id}/result`, false, []], word);
    }
    const part = id.slice(0, -1);
    await assert.rejects(accept(OPERATOR, { findings: [], accepted }, { ids: [part] }), /is named orch-/);
    const both = await accept(OPERATOR, { findings: [log], accepted }, { ids: [id] });
    assert.deepEqual(
      both.map(({ message, isNew }) => [message, isNew]),
      [
        ["11", false],
        ["12", true],
      ],
    );
  }));

test("a word that names nothing missing is refused, says why, and nothing of the rest is accepted", () =>
  withGone(async (core, id) => {
    const found = goneOf(`${id}/result`, "11");
    const findings = [found, { ...goneOf("orch-2/log", "15"), fault: "doubled" } as const];
    const accept = acceptAt(core);
    const refusal = async (...ids: string[]) => {
      try {
        await accept(OPERATOR, { findings }, { ids });
      } catch (error) {
        if (isRefusal(error)) return `${error.code} ${error.message} ${error.hint}`;
        throw error;
      }
      return undefined;
    };
    for (const word of [id.slice(0, -1), "orch-2", "15"])
      assert.match(
        (await refusal(id, word)) ?? "",
        /^not_found Nothing that was deleted is named .*`hq audit --prove`/,
      );
    const delivery = `${id}/log`;
    const receipt = { delivery, part: 0, nonce: "n", channel: "1", message: "77", postedAt: 1 };
    await core.engine.accept({
      kind: "delivery",
      stream: delivery,
      input: {
        type: "part-posted",
        delivery: { id: delivery, kind: "log", to: { channel: "1" } },
        receipt,
        of: 1,
      },
      cause: "test",
      receipts: [receipt],
    });
    assert.match(
      (await refusal(id, delivery)) ?? "",
      /^not_found .*\/log is not missing: its message 77 is there\. Only what somebody deleted/,
    );
    assert.deepEqual(await noted(core), []);
  }));
