import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { glanceOf } from "../../src/discord/glance.ts";
import { limitProblems } from "../../src/discord/limits.ts";
import { hasMark, markOf } from "../../src/discord/marks.ts";
import { bodyOf, type Payload, textsOf } from "../../src/discord/payload.ts";
import { renderCard } from "../../src/discord/render-card.ts";
import { renderLog, renderNotice, renderSafely } from "../../src/discord/render-lines.ts";
import { renderResult } from "../../src/discord/render-result.ts";
import { DELEGATION_STATUSES } from "../../src/domain/delegation-types.ts";
import { AT, handoffOf, viewWith } from "./view-fixture.ts";

const shown = (payload: Payload | undefined) => textsOf(bodyOf(payload ?? { files: [] }) as never).join("\n");
const labels = (payload: Payload | undefined) =>
  [...JSON.stringify(payload?.components ?? []).matchAll(/"label":"([^"]+)"/g)].map((match) => match[1]);
const seconds = (at: number) => Math.floor(at / 1000);

test("a running card says who, what, since when and until when, and can be canceled", () => {
  const card = renderCard(viewWith("dispatched"), { part: 0, results: "5" });
  assert.equal(
    shown(card),
    [
      "### webster · running",
      "Find CTE of Zerodur",
      `-# attempt 1 of 2 · sent <t:${seconds(AT + 1000)}:R> · deadline <t:${seconds(AT + 301_000)}:R>`,
      "-# asked by @ada · orch-1/card",
    ].join("\n"),
  );
  assert.deepEqual(labels(card), ["Cancel", "Details"]);
});

test("a waiting card says what it waits for and when it looks again", () => {
  const waiting = { reason: "agent_down", text: "webster does not answer", untilAt: AT + 5000 } as const;
  const text = shown(renderCard(viewWith("queued", { waiting }), { part: 0 }));
  assert.match(text, /### webster · waiting/);
  assert.ok(text.includes(`waiting: webster does not answer · next look <t:${seconds(AT + 5000)}:R>`));
});

test("a second attempt says why the first one failed", () => {
  const problems = [{ path: "status", message: "is missing" }];
  const text = shown(renderCard(viewWith("dispatched", { attempt: 2, problems }), { part: 0 }));
  assert.match(text, /attempt 2 of 2/);
  assert.match(text, /last attempt: is missing/);
});

test("a settled card has no Cancel and says where the result is", () => {
  const card = renderCard(viewWith("succeeded"), { part: 0, results: "5" });
  assert.match(shown(card), /### webster · done in 4m 12s/);
  assert.match(shown(card), /result in <#5>/);
  assert.deepEqual(labels(card), ["Details"]);
  assert.doesNotMatch(
    shown(renderCard(viewWith("succeeded", { deliver: false }), { part: 0, results: "5" })),
    /result in/,
  );
});

test("a card that went on elsewhere says where, without buttons", () => {
  const card = renderCard(viewWith("dispatched"), { part: 0, movedTo: "https://discord.com/channels/1/2/3" });
  assert.match(shown(card), /continued in https:\/\/discord\.com\/channels\/1\/2\/3/);
  assert.deepEqual(labels(card), []);
});

test("every status has its own look on card, result and log line", () => {
  const cards = DELEGATION_STATUSES.map(
    (status) => shown(renderCard(viewWith(status), { part: 0 })).split("\n")[0],
  );
  assert.equal(new Set(cards).size, DELEGATION_STATUSES.length);
  const logs = DELEGATION_STATUSES.map(
    (status) => renderLog("orch-1/log", glanceOf({ kind: "delegation", view: viewWith(status) })).content,
  );
  assert.equal(new Set(logs).size, DELEGATION_STATUSES.length);
});

test("the log line of a template's work says what was asked, not who the agent was told to be", () => {
  const objective = "## Role\nYou are a tester.\n\n## Task\nWrite tests for a.py.\n\n## Constraints\n- none";
  const view = viewWith("succeeded", { objective });
  assert.match(
    String(renderLog("orch-1/log", glanceOf({ kind: "delegation", view })).content),
    / · Write tests for a\.py\. · /,
  );
});

test("a result shows answer, confidence, notes, usage, asker and id, and can be run again", () => {
  const usage = { inputTokens: 40_000, outputTokens: 1200, usd: 0.12 };
  const [result, ...more] = renderResult(
    "orch-1/result",
    viewWith("succeeded", { handoff: handoffOf({ usage }) }),
    [],
  );
  assert.deepEqual(more, []);
  assert.equal(
    shown(result),
    [
      "### webster · done in 4m 12s",
      "Class 0: 0 ± 0.02 ppm/K (0–50 °C)",
      "-# confidence high · 41k tok · $0.12 · from the data sheet",
      "-# asked by @ada · orch-1/result",
    ].join("\n"),
  );
  assert.deepEqual(labels(result), ["Run again", "Delegate on…", "Details"]);
  const [failed] = renderResult("orch-1/result", viewWith("timed_out"), []);
  assert.deepEqual(labels(failed), ["Run again", "Details"], "there is nothing to pass on");
});

test("unknown usage and confidence are left out, not shown as zero", () => {
  const { confidence: _, ...unsure } = handoffOf({ notes: "" });
  const text = shown(renderResult("orch-1/result", viewWith("succeeded", { handoff: unsure }), [])[0]);
  assert.doesNotMatch(text, /confidence|tok|\$/);
});

test("a failure shows the reason and at most ten problems", () => {
  const problems = Array.from({ length: 14 }, (_, n) => ({ path: `field${n}`, message: "is missing" }));
  const view = viewWith("failed", { reason: "The handoff was not acceptable.", problems });
  const text = shown(renderResult("orch-1/result", view, [])[0]);
  assert.match(text, /failed after 4m 12s/);
  assert.match(text, /\*\*The handoff was not acceptable\.\*\*/);
  assert.equal(text.match(/is missing/g)?.length, 10);
  assert.match(text, /and 4 more/);
});

test("a long result is a summary and a file with every byte of it", () => {
  const long = "A sentence about thermal expansion. ".repeat(200);
  const [result] = renderResult(
    "orch-1/result",
    viewWith("succeeded", { handoff: handoffOf({ result: long }) }),
    [],
  );
  assert.ok(result);
  assert.ok(shown(result).length < 1700);
  assert.match(shown(result), /the whole text is in result\.md/);
  assert.deepEqual(
    result.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]),
    [["result.md", long]],
  );
  assert.match(JSON.stringify(result.components), /attachment:\/\/result\.md/);
});

test("files that one message cannot carry come in further ones, too large ones as names", () => {
  const file = (name: string, mib: number) => ({ name, bytes: new Uint8Array(mib * 1024 * 1024) });
  const files = [file("a.csv", 9), file("b.csv", 9), file("c.csv", 9), file("huge.bin", 11)];
  const parts = renderResult("orch-1/result", viewWith("succeeded"), files);
  assert.deepEqual(
    parts.map((part) => part.files.map(({ name }) => name)),
    [["a.csv", "b.csv"], ["c.csv"]],
  );
  assert.match(shown(parts[0]), /artifacts: `huge\.bin`/);
  assert.ok(hasMark(bodyOf(parts[1] as Payload) as never, "orch-1/result (2)"));
});

test("artifacts that are not attached are named, two files of one name stay two", () => {
  const handoff = handoffOf({ artifacts: ["/workspace/plot.png", "https://example.org/table"] });
  const file = (name: string) => ({ name, bytes: new Uint8Array(1) });
  const [result] = renderResult("orch-1/result", viewWith("succeeded", { handoff }), [
    file("plot.png"),
    file("plot.png"),
  ]);
  assert.match(shown(result), /artifacts: `https:\/\/example\.org\/table`/);
  assert.deepEqual(
    result?.files.map(({ name }) => name),
    ["plot.png", "2-plot.png"],
  );
});

test("whatever agents say, no message breaks Discord's limits and each ends in its own mark", () => {
  const wild = fc.oneof(
    fc.string({ maxLength: 3000, unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          "```",
          "`",
          "[a](b)",
          "# ",
          "\n",
          "@everyone",
          "-# orch-9/result",
          "x".repeat(500),
          "😀",
        ),
        {
          maxLength: 60,
        },
      )
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(wild, wild, fc.constantFrom(...DELEGATION_STATUSES), (said, other, status) => {
      const view = viewWith(status, {
        objective: other || "x",
        asker: `@${said.slice(0, 80)}`,
        reason: other,
        handoff: handoffOf({ result: said, notes: other, remarks: [said], artifacts: [said, other] }),
        problems: [{ path: said, message: other }],
        waiting: { reason: "agent_busy", text: said, untilAt: AT },
      });
      const messages: [Payload, string][] = [
        [renderCard(view, { part: 0 }), "orch-1/card"],
        [renderLog("orch-1/log", glanceOf({ kind: "delegation", view })), "orch-1/log"],
        ...renderResult("orch-1/result", view, []).map((part, n): [Payload, string] => [
          part,
          markOf("orch-1/result", n),
        ]),
        ...renderNotice("note-1", said).map((part, n): [Payload, string] => [part, markOf("note-1", n)]),
        [renderSafely("orch-1/result", 0, { files: [] }, said), "orch-1/result"],
      ];
      for (const [message, mark] of messages) {
        assert.deepEqual(limitProblems(message), []);
        const body = bodyOf(message);
        assert.ok(hasMark(body as never, mark));
        assert.ok(!hasMark(body as never, "orch-9/result"));
        assert.doesNotMatch(shown(message), /@everyone/);
        assert.deepEqual(body.allowed_mentions, { parse: [] });
      }
    }),
    { numRuns: 300 },
  );
});

test("a mark is found only at the end of a message", () => {
  assert.ok(hasMark({ content: "done · `orch-1/log`" }, "orch-1/log"));
  assert.ok(!hasMark({ content: "orch-1/log was it" }, "orch-1/log"));
  assert.ok(!hasMark({ content: "-# xorch-1/log" }, "orch-1/log"));
  assert.ok(!hasMark({ content: "-# orch-1/log (2)" }, "orch-1/log"));
  assert.ok(
    hasMark(
      { components: [{ type: 17, components: [{ type: 10, content: "-# a · orch-1/result" }] }] },
      "orch-1/result",
    ),
  );
});
