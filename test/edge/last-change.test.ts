import assert from "node:assert/strict";
import test from "node:test";
import { createLastChange } from "../../src/app/last-change.ts";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { type AgentCard, createRegistry } from "../../src/domain/agent-card.ts";
import type { Config } from "../../src/domain/config.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { cardOf, settingsOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const TOKEN = { tokenEnv: "HOOKS" };

/** Lives on one ledger: what each is sent by, and when it begins. */
async function onOneLedger(t: test.TestContext) {
  const folder = temporaryFolder("hq-last-change-");
  const ledger = await openSqliteLedger({ path: `${folder.path}/ledger.db` });
  t.after(async () => {
    await ledger.close();
    folder.remove();
  });
  return async (
    startedAt: number,
    first: AgentCard,
    more: { token?: string; version?: string } & Partial<Config> = {},
  ) => {
    let card = first;
    let at = startedAt;
    const { token = "a", version = "1", ...others } = more;
    const settings = settingsOf("/nowhere");
    const config = () => ({
      settings,
      registry: createRegistry([card]),
      acl: DEFAULT_ACL,
      people: { roles: [], users: [] },
      contracts: [],
      files: [],
      ...others,
    });
    let isFull = false;
    const change = createLastChange({
      ledger: {
        recall: ledger.recall,
        remember: async (name, value) => {
          if (isFull) throw new Error("the disk is full");
          await ledger.remember(name, value);
        },
      },
      config,
      env: { HOOKS: token },
      version,
      now: () => at,
    });
    await change.note();
    return {
      at: change.at,
      async use(now: number, next: AgentCard) {
        at = now;
        card = next;
        await change.note();
      },
      fill(full: boolean) {
        isFull = full;
      },
    };
  };
}

test("another address, token, role or version is a change, from the start or the moment on in which it holds", async (t) => {
  const live = await onOneLedger(t);
  const card = cardOf("webster", { sample: false, ...TOKEN });
  assert.equal(await (await live(100, card)).at(), 100, "the first life knows of nothing before it");
  const again = await live(200, card);
  assert.equal(await again.at(), 100, "a start with the same is none");
  await again.use(210, { ...card });
  assert.equal(await again.at(), 100, "a file that was saved as it is is none");
  await again.use(220, { ...card, role: "You look things up." });
  assert.equal(await again.at(), 220);
  await again.use(230, card);
  assert.equal(await again.at(), 230, "back is one as well");
  assert.equal(await (await live(300, { ...card, url: "http://127.0.0.1:8" })).at(), 300);
  assert.equal(await (await live(400, card)).at(), 400);
  assert.equal(await (await live(500, card, { token: "b" })).at(), 500);
  assert.equal(await (await live(600, card, { token: "b", version: "2" })).at(), 600);
});

test("whatever else the words of a prompt are made of is a change too", async (t) => {
  const live = await onOneLedger(t);
  const card = cardOf("webster");
  await live(100, card);
  const settings = settingsOf("/elsewhere");
  assert.equal(await (await live(200, card, { settings })).at(), 200);
  const acl = { ...DEFAULT_ACL, verbs: { delegate: ["manager"] } };
  assert.equal(await (await live(300, card, { settings, acl })).at(), 300);
  const people = { roles: [], users: [{ user: "5", rights: ["delegate" as const] }] };
  assert.equal(await (await live(400, card, { settings, acl, people })).at(), 400);
  assert.equal(await (await live(500, card, { settings, acl, people })).at(), 400);
});

test("samples have another address in each life, and are the same", async (t) => {
  const live = await onOneLedger(t);
  await live(100, cardOf("webster"));
  assert.equal(await (await live(200, cardOf("webster", { url: "http://127.0.0.1:8" }))).at(), 100);
});

test("a change that the ledger did not take is written before anybody is told when the last one was", async (t) => {
  const live = await onOneLedger(t);
  const card = cardOf("webster", { sample: false });
  const life = await live(100, card);
  life.fill(true);
  await assert.rejects(life.use(200, { ...card, hooksPath: "/hooks/delegate" }), /disk is full/);
  await assert.rejects(life.at(), /disk is full/);
  life.fill(false);
  assert.equal(await life.at(), 200);
});
