import assert from "node:assert/strict";
import test from "node:test";
import { beginsOf, factsOfOldFiles, type OldFile } from "../../src/domain/old-handoffs.ts";

const WRITTEN = Date.parse("2026-02-15T10:00:00Z");
const NONE = new Map<string, number>();

function file(path: string, content: unknown, more: Partial<OldFile> = {}): OldFile {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { path, text, modifiedAt: WRITTEN + 5000, ...more };
}

function handoff(runId: string, more: object = {}) {
  return {
    schemaVersion: "1.0",
    runId,
    agent: "webster",
    status: "complete",
    result: "0.0 ppm/K",
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: "2026-02-15T10:00:00Z",
    ...more,
  };
}

test("handoffs are counted by agent, status and confidence, at the one instant that they know", () => {
  const { facts, skipped } = factsOfOldFiles(
    [
      file("orch-1.json", handoff("orch-1")),
      file(
        "sub/orch-2.json",
        handoff("orch-2", { status: "Blocked", confidence: "none", agent: "nx-expert" }),
      ),
      file("orch-3.json", handoff("orch-3", { timestamp: 1_771_149_600 })),
      file("orch-4.json", handoff("orch-4", { timestamp: "some time" })),
    ],
    NONE,
  );
  assert.deepEqual(skipped, []);
  assert.deepEqual(
    facts.map(({ agent, status, at }) => [agent, status, at - WRITTEN]),
    [
      ["webster", "succeeded", 0],
      ["nx-expert", "blocked", 0],
      ["webster", "succeeded", 0],
      ["webster", "succeeded", 5000],
    ],
  );
  assert.deepEqual(facts[0]?.figures, { counts: { n: 1, "confidence.high": 1 } });
  assert.deepEqual(facts[1]?.figures, { counts: { n: 1 } });
});

test("with logs of when work began, it is known how long it took", () => {
  const { begins, broken } = beginsOf([
    '{"at":"2026-02-15T09:58:00Z","runId":"orch-1","event":"start"}',
    '{"at":"2026-02-15T09:59:00Z","runId":"orch-1","event":"start","attempt":2}',
    '{"at":"2026-02-15T10:00:00Z","runId":"orch-1","event":"end"}',
    "half a li",
    "",
  ]);
  assert.equal(broken, 1);
  const { facts } = factsOfOldFiles([file("orch-1.json", handoff("orch-1"))], begins);
  assert.equal(facts[0]?.figures.spans?.working?.[0], 120_000);
});

test("what is no handoff is named with the reason, and everything else is counted", () => {
  const { facts, skipped } = factsOfOldFiles(
    [
      file("half.json", '{"runId": "orch-1", "sta'),
      file("list.json", "[1]"),
      file("settings.json", { port: 1 }),
      file("odd.json", handoff("orch-5", { status: "in_progress" })),
      { path: "locked.json", why: "EACCES", modifiedAt: 0 },
      file("good.json", handoff("orch-6")),
    ],
    NONE,
  );
  assert.equal(facts.length, 1);
  assert.deepEqual(
    skipped.map(({ path }) => path),
    ["half.json", "list.json", "settings.json", "odd.json", "locked.json"],
  );
  assert.match(skipped[0]?.why ?? "", /no JSON/);
  assert.match(skipped[3]?.why ?? "", /"in_progress"/);
  assert.equal(skipped[4]?.why, "EACCES");
});

test("a run of a workflow is counted by its summary, and a step that lies twice once", () => {
  const place = "workflows/wf-quick-research-20260215-100000-ab12";
  const { facts, skipped } = factsOfOldFiles(
    [
      file("orch-1.json", handoff("orch-1")),
      file(`${place}/research.json`, handoff("orch-1")),
      file(`${place}/validate.json`, handoff("orch-2", { agent: "tech-lead" })),
      file(`${place}/summary.json`, {
        status: "partial",
        startedAt: "2026-02-15T09:50:00Z",
        timestamp: "2026-02-15T10:00:00Z",
      }),
      file("workflows/wf-design-review-20260215-110000-cd34/technical.json", handoff("orch-3")),
    ],
    NONE,
  );
  assert.deepEqual(skipped, []);
  assert.deepEqual(
    facts.map(({ kind, workflow, agent, status }) => [kind, workflow, agent, status]),
    [
      ["delegation", "quick-research", "webster", "succeeded"],
      ["delegation", "quick-research", "tech-lead", "succeeded"],
      ["delegation", "design-review", "webster", "succeeded"],
      ["run", "quick-research", "", "partial"],
      ["run", "design-review", "", "unfinished"],
    ],
  );
  assert.equal(facts[3]?.figures.spans?.working?.[0], 600_000);
});
