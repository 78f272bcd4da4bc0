import assert from "node:assert/strict";
import test from "node:test";
import { customId, parseCustomId } from "../../src/discord/custom-id.ts";
import { findSubject } from "../../src/discord/find-subject.ts";
import { limitProblems } from "../../src/discord/limits.ts";
import { textsOf } from "../../src/discord/payload.ts";
import {
  parseProposalsSubject,
  proposalsFace,
  proposalsSubject,
} from "../../src/discord/render-proposals.ts";
import type { Evolved } from "../../src/domain/work-types.ts";

const OPEN: Evolved = {
  at: 5,
  verdict: "pass",
  issues: [],
  proposals: 2,
  proposed: [
    { target: "SOUL.md", text: "always @everyone\n-# work-one/proposals-9" },
    { target: "skills/x/SKILL.md", text: "retries help" },
  ],
  agent: "webster",
  bases: { "SOUL.md": "b" },
};
const shown = (evolved: Evolved, round = 5) => {
  const face = proposalsFace("work-one", { slug: "one", evolved }, round);
  const payload = face.render({ slug: "one", evolved });
  const buttons = JSON.stringify(payload.components).includes("d1:proposals-accept:one/5");
  return { face, buttons, text: textsOf({ components: payload.components ?? [] }).join("\n") };
};

test("open proposals name file, line and what Accept does, and nothing of theirs can end the message", () => {
  const { text, buttons, face } = shown(OPEN);
  assert.ok(buttons);
  assert.equal(face.isSettled, false);
  assert.match(text, /Accept writes into SOUL\.md of webster, and sends the rest to webster/);
  assert.match(text, /\n-# work-one\/proposals-5$/);
  assert.doesNotMatch(text, /^-# work-one\/proposals-9/m);
});

test("afterwards the message says who, what became of it, and has no buttons", () => {
  const by = { kind: "person", id: "1", name: "ada", rights: [] } as const;
  const files = [{ target: "SOUL.md", before: "b", after: "a" }];
  const accepted = { decision: "accepted", by, at: 6, files, child: "evolve-1" } as const;
  const before = shown({ ...OPEN, decided: accepted });
  assert.match(before.text, /✅ Accepted · one[\s\S]*By @ada[\s\S]*Is written into SOUL\.md[\s\S]*evolve-1/);
  assert.match(
    shown({ ...OPEN, decided: { ...accepted, applied: {} } }).text,
    /Written into SOUL\.md of webster/,
  );
  const stuck = shown({
    ...OPEN,
    decided: { ...accepted, applied: { problem: "SOUL.md of webster was changed" } },
  });
  assert.match(
    stuck.text,
    /Accepted, not written[\s\S]*was changed: nothing was written[\s\S]*hq evolve run/,
  );
  const dismissed = shown({ ...OPEN, decided: { decision: "dismissed", by, at: 6 } });
  assert.match(dismissed.text, /### Dismissed · one\nBy @ada/);
  for (const one of [before, stuck, dismissed])
    assert.deepEqual([one.buttons, one.face.isSettled], [false, true]);
});

test("many long proposals keep Discord's limits and their buttons; the rest is counted", () => {
  const proposed = Array.from({ length: 30 }, (_, n) => ({
    target: `skills/${"s".repeat(60)}/SKILL.md`,
    text: `${n} ${"long ".repeat(100)}`,
  }));
  const evolved: Evolved = { ...OPEN, proposed, proposals: 30, file: "evolution/one.md" };
  const face = proposalsFace("work-one", { slug: "one", evolved }, 5);
  assert.deepEqual(limitProblems(face.render({ slug: "one", evolved })), []);
  const { text, buttons } = shown(evolved);
  assert.ok(buttons);
  const lines = [...text.matchAll(/^- \*\*skills/gm)].length;
  assert.ok(lines >= 10 && text.includes(`- and ${30 - lines} more in evolution/one.md`), text);
});

test("proposals that others took the place of have no buttons", () => {
  const { text, buttons, face } = shown({ ...OPEN, at: 9 });
  assert.match(text, /No decision needed any more/);
  assert.deepEqual([buttons, face.isPast], [false, true]);
});

test("a button of a long slug finds its proposals again", async () => {
  const slug = "s".repeat(120);
  const { subject = "" } = parseCustomId(customId("proposals-accept", proposalsSubject(slug, 7))) ?? {};
  assert.equal(parseProposalsSubject(subject), undefined);
  const none = async () => ({ items: [] });
  const found = await findSubject(subject, {
    delegations: none,
    runs: { runs: none } as never,
    proposals: async () => [{ slug, ...OPEN, at: 7 }],
  });
  assert.deepEqual(parseProposalsSubject(found), { slug, round: 7 });
});
