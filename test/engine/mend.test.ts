import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "../../src/domain/audit-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createMend } from "../../src/engine/mend.ts";

test("a missing message is not posted again as long as nobody could look whether it is there", async () => {
  const accepted: unknown[] = [];
  const mend = createMend({
    engine: { accept: async (input: unknown) => void accepted.push(input) } as unknown as Engine,
    ledger: {} as never,
    inbox: {} as never,
    digestOf: async () => undefined,
    ring: () => undefined,
    now: () => 7,
  });
  const body = { type: "post", delivery: { id: "orch-1/result" } };
  const act = { type: "effect", effect: { body, lane: "any", dueAt: 1 } };
  const finding = { fault: "unseen", id: "orch-1/result", reason: "gone", act } as unknown as Finding;
  const by = { kind: "operator" } as never;
  const [blind] = await mend(by, [finding], { dry: false, hasLookedAtDiscord: false });
  assert.deepEqual([blind?.isMended, accepted], [false, []]);
  assert.match(blind?.done ?? "", /not posted: Discord was not looked at/);
  const [seen] = await mend(by, [finding], { dry: false, hasLookedAtDiscord: true });
  assert.deepEqual([seen?.isMended, seen?.done, accepted.length], [true, "posted again", 1]);
});
