import assert from "node:assert/strict";
import test from "node:test";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { adviceFor, type Compared, differencesOf, partsOf, standsBackText } from "../../src/domain/member.ts";

const CARD: AgentCard = {
  id: "webster",
  name: "webster",
  aliases: [],
  url: "http://127.0.0.1:18828",
  hooksPath: "/hooks/agent",
  capabilities: ["research"],
  skills: [],
  role: "Researches.",
  handoffVia: "file",
  concurrency: 4,
  sample: false,
};

function parts(card: Partial<AgentCard>, more: Record<string, unknown> = {}) {
  const config = {
    registry: createRegistry([{ ...CARD, ...card }]),
    acl: { name: "default", matrix: {}, never: [] },
    people: { roles: [], users: [] },
    settings: {
      channels: { roles: {}, ids: {}, contextable: ["*"] },
      taskQueue: { maxAtOnce: 2, worker: {} },
    },
    ...more,
  };
  return partsOf(config as unknown as Parameters<typeof partsOf>[0], []);
}

const member = (home: string, more: Partial<Compared> = {}): Compared => ({
  home,
  version: "1.0.0",
  leads: false,
  config: parts({}),
  ...more,
});

test("paths of a machine and addresses of samples are no differences; a limit, a right and an address are", () => {
  assert.deepEqual(
    parts({ workspace: "/srv/a", handoffDir: "/srv/h", reads: ["/x"], caFile: "/ca" }),
    parts({}),
  );
  assert.deepEqual(
    parts({ sample: true, url: "http://127.0.0.1:1" }),
    parts({ sample: true, url: "http://127.0.0.1:2" }),
  );
  const changed = (one: object, other: object) =>
    Object.keys(one).filter(
      (name) => (one as Record<string, string>)[name] !== (other as Record<string, string>)[name],
    );
  assert.deepEqual(changed(parts({ concurrency: 5 }), parts({})), ["agents"]);
  assert.deepEqual(changed(parts({ url: "http://127.0.0.1:2" }), parts({})), ["agents"]);
  const acl = { name: "strict", matrix: {}, never: [] };
  assert.deepEqual(changed(parts({}, { acl }), parts({})), ["rights"]);
});

test("each is compared with the one that leads; who says nothing yet, and who is here for one question, is not accused", () => {
  const other = parts({ concurrency: 5 });
  const all = [
    member("a"),
    member("b", { leads: true, config: other, version: "1.1.0" }),
    member("c", { config: other, version: "1.1.0" }),
    member("d", { config: other, isTemporary: true }),
    { home: "e", version: "1.1.0", leads: false },
  ];
  assert.deepEqual([...differencesOf(all)], [["a", ["version", "agents"]]]);
  const unled = all.map((one) => ({ ...one, leads: false }));
  assert.deepEqual(
    [...differencesOf(unled).keys()],
    ["b", "c", "e"],
    "the first is the model where none leads",
  );
  assert.deepEqual([...differencesOf([])], []);
});

test("what to do names the files, and the order of an update", () => {
  assert.match(adviceFor(["version"]), /same version, one after the other/);
  assert.match(adviceFor(["agents", "tasks"]), /make agents\.yaml, hq\.yaml the same everywhere/);
});

test("of one that did not reach Discord it is said when, why, and for how long it leaves the lead to others", () => {
  const back = { since: 10_000, until: 40_000, why: "not connected for 30s" };
  assert.equal(
    standsBackText(back, 22_000),
    "did not reach Discord 12s ago (not connected for 30s), leaves the lead to others for 18s more",
  );
  assert.equal(standsBackText(back, 40_000), "did not reach Discord 30s ago (not connected for 30s)");
});
