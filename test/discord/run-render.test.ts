import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { customId, gateSubject, parseCustomId } from "../../src/discord/custom-id.ts";
import { glanceOf } from "../../src/discord/glance.ts";
import { limitProblems } from "../../src/discord/limits.ts";
import { stepLine } from "../../src/discord/look-run.ts";
import { hasMark } from "../../src/discord/marks.ts";
import { bodyOf, type Payload, textsOf } from "../../src/discord/payload.ts";
import { gateDelivery, renderGate, shownGate } from "../../src/discord/render-gate.ts";
import { renderLog } from "../../src/discord/render-lines.ts";
import { foldRun, renderRunCard } from "../../src/discord/render-run-card.ts";
import { renderRunResult } from "../../src/discord/render-run-result.ts";
import type { RunView, StepView } from "../../src/domain/run-view.ts";
import { gateStep, runWith, stepWith } from "./run-fixture.ts";
import { AT } from "./view-fixture.ts";

const shown = (payload: Payload | undefined) => textsOf(bodyOf(payload ?? { files: [] }) as never).join("\n");
const labels = (payload: Payload | undefined) =>
  [...JSON.stringify(payload?.components ?? []).matchAll(/"label":"([^"]+)"/g)].map((match) => match[1]);
const seconds = (at: number) => Math.floor(at / 1000);
const card = (view: RunView) => renderRunCard(foldRun(view), { part: 0, results: "5" });
const nobody = { text: "", roles: [], users: [] };
const engineering = { text: "<@&7>", roles: ["7"], users: [] };

test("a running card has a line for each step, the deadline, and Cancel and Show", () => {
  const steps = [
    stepWith("research", "succeeded", { confidence: "high" }),
    stepWith("evaluate", "running", { agent: "tech-lead" }),
    stepWith("each", "running", { items: { total: 60, settled: 12, failed: 2, running: 3 } }),
    stepWith("slow", "running", { stalled: "webster says: still reading" }),
    stepWith("audit", "pending", { agent: "auditor" }),
  ];
  const payload = card(runWith("running", steps));
  assert.equal(
    shown(payload),
    [
      "### design-review · running 1/5",
      "✅ **research** · webster · 38s · confidence high",
      `🔵 **evaluate** · tech-lead · since <t:${seconds(AT)}:R>`,
      `🔵 **each** · webster · 12/60, 2 failed · since <t:${seconds(AT)}:R>`,
      `🔵 **slow** · webster · since <t:${seconds(AT)}:R> · ⚠️ webster says: still reading`,
      "⚪ **audit** · auditor",
      `-# started <t:${seconds(AT)}:R> · deadline <t:${seconds(AT + 7_200_000)}:R>`,
      "-# asked by @you · wf-design-review-1/card",
    ].join("\n"),
  );
  assert.deepEqual(labels(payload), ["Cancel", "Show"]);
});

test("a card says which workers got a piece, and whose came to nothing", () => {
  const { agent: _, ...step } = stepWith("build-work-1", "partial", {
    workers: "nx-expert failed, study-builder",
    items: { total: 2, settled: 2, failed: 1, running: 0 },
  });
  assert.match(stepLine(step), /\*\*build-work-1\*\* · nx-expert failed, study-builder · 2\/2, 1 failed/);
});

test("a card says for whom a gate waits and until when", () => {
  const payload = card(runWith("running", [gateStep("open", { min: 2 })], { waiting: "gate" }));
  assert.match(shown(payload), /### design-review · waits for approval 0\/1/);
  assert.ok(
    shown(payload).includes(
      `🟠 **sign-off** · waits for role Engineering (0 of 2) until <t:${seconds(AT + 86_400_000)}:R>`,
    ),
  );
});

test("a card that stopped after too many failures offers the four ways on", () => {
  const steps = [stepWith("a", "failed", { reason: "timed out" }), stepWith("b", "pending")];
  const payload = card(runWith("running", steps, { waiting: "answer", stopped: { failures: 3, at: AT } }));
  assert.match(shown(payload), /stopped, waits for an answer/);
  assert.match(shown(payload), /❌ \*\*a\*\* · webster · 38s · timed out/);
  assert.deepEqual(labels(payload), ["Retry failed", "Adjust…", "Accept partial", "Cancel", "Show"]);
});

test("a settled card says how it ended and where the result is; with failures it can be retried", () => {
  const done = card(runWith("succeeded", [stepWith("a", "succeeded")]));
  assert.match(shown(done), /### design-review · done in 4m 12s/);
  assert.match(shown(done), /result in <#5>/);
  assert.deepEqual(labels(done), ["Show"]);
  const failed = runWith("failed", [stepWith("a", "failed")]);
  assert.deepEqual(labels(card(failed)), ["Retry failed", "Restart run", "Show"]);
  const parent = { run: "wf-outer-1", step: "inner" };
  assert.deepEqual(labels(card({ ...failed, parent })), ["Retry failed", "Show"]);
  assert.deepEqual(labels(card(runWith("canceled", [stepWith("a", "canceled")]))), ["Restart run", "Show"]);
});

test("a run that succeeded without doing anything says so: card, result, and as a step of another run", () => {
  const reason = "nothing was done, since every step was skipped by its own condition";
  const steps = [stepWith("research", "skipped", { reason: "its condition says no: false" })];
  const nothing = runWith("succeeded", steps, { reason });
  assert.match(shown(card(nothing)), new RegExp(`-# ${reason}`));
  assert.match(shown(renderRunResult("wf-1/result", nothing, [])[0]), new RegExp(`\\*\\*${reason}\\*\\*`));
  const around = runWith("succeeded", [stepWith("inner", "succeeded", { kind: "workflow", reason })]);
  assert.match(shown(card(around)), new RegExp(`✅ \\*\\*inner\\*\\*.* · ${reason}`));
});

test("ten thousand steps fit: what runs, waits and failed is seen, the rest is counted", () => {
  const steps = Array.from({ length: 10_000 }, (_, n) =>
    stepWith(
      `step-${n}-with-a-name-of-forty-characters`,
      n === 9000 ? "failed" : n < 5000 ? "succeeded" : n < 5010 ? "running" : "pending",
      { reason: "r".repeat(500), agent: "a".repeat(60) },
    ),
  );
  const view = runWith("running", steps);
  const payload = card(view);
  assert.deepEqual(limitProblems(payload), []);
  const text = shown(payload);
  for (let n = 5000; n < 5010; n++) assert.ok(text.includes(`step-${n}-`), `${n}`);
  assert.ok(text.includes("step-9000-"));
  assert.ok(!text.includes("step-0-"));
  const [, count] = /and (\d+) more: /.exec(text) ?? [];
  assert.equal(Number(count) + [...text.matchAll(/\*\*step-/g)].length, 10_000);
  assert.match(text, /\d+ pending, 5000 succeeded/);
  const [result, ...more] = renderRunResult("wf-1/result", { ...view, status: "partial" }, []);
  assert.deepEqual(more, []);
  assert.deepEqual(limitProblems(result ?? { files: [] }), []);
});

const technical = stepWith("technical", "succeeded", {
  agent: "tech-lead",
  confidence: "high",
  result: "# Sound\nbut see @everyone",
});
const optimization = stepWith("optimization", "failed", { agent: "optimizer", reason: "timed out" });
const gateOf = (step: StepView, generation = 1) => {
  const found = shownGate(runWith("running", [technical, optimization, step]), {
    step: "sign-off",
    generation,
  });
  assert.ok(found);
  return found;
};

test("an open gate pings its approvers and nobody else, and shows what is decided about", () => {
  const payload = renderGate(gateOf(gateStep("open")), engineering);
  assert.deepEqual(bodyOf(payload).allowed_mentions, { parse: [], roles: ["7"], users: [] });
  const text = shown(payload);
  assert.match(text, /^### Approval needed · design-review \/ sign-off\n<@&7>\nConsolidate now\?/);
  assert.match(
    text,
    /✅ \*\*technical\*\* · tech-lead · confidence high\n> \*\*Sound\*\*\n> but see @\u200beveryone\n/,
  );
  assert.match(text, /❌ \*\*optimization\*\* · optimizer\n> timed out/);
  assert.match(text, /one approval is enough · expires <t:\d+:R> · digest 9f2c41ab77d0/);
  assert.deepEqual(labels(payload), ["Approve", "Reject…", "Open run"]);
  assert.deepEqual(
    [...JSON.stringify(payload.components).matchAll(/"custom_id":"([^"]+)"/g)].map((match) => match[1]),
    [
      "d1:approve:wf-design-review-1/sign-off/1/9f2c41ab77d0",
      "d1:reject:wf-design-review-1/sign-off/1/9f2c41ab77d0",
      "d1:show:wf-design-review-1",
    ],
  );
});

test("a gate shows the first lines of each result as they were written, and what was left out is marked", () => {
  const quoted = (result: string) => {
    const step = { ...technical, result };
    const gate = shownGate(runWith("running", [step, optimization, gateStep("open")]), {
      step: "sign-off",
      generation: 1,
    });
    assert.ok(gate);
    const text = shown(renderGate(gate, engineering));
    return /confidence high\n((?:> .*\n)*)/.exec(text)?.[1]?.trimEnd().split("\n") ?? [];
  };
  assert.deepEqual(
    quoted("Two points:\n\n- the **limit** of `0.02 ppm/K`\n- [the load](https://x.example)"),
    ["> Two points:", "> - the **limit** of `0.02 ppm/K`", "> - [the load] (https://x.example)"],
  );
  const points = Array.from({ length: 9 }, (_, n) => `- point ${n}`);
  assert.deepEqual(quoted(points.slice(0, 8).join("\n")).at(-1), "> - point 7");
  assert.deepEqual(quoted(points.join("\n\n")).slice(-2), ["> - point 7", "> …"]);
  const long = quoted("so on and ".repeat(60)).join("\n");
  assert.ok(long.length <= 290 && long.endsWith("…"), long);
  const code = quoted("See:\n```ts\n-# orch-1/result\n```\n-# orch-1/result");
  assert.deepEqual(code, ["> See:", "> ```ts", "> -# orch-1/result", "> ```", "> \\-# orch-1/result"]);
});

test("a decided gate says who, when and why, pings nobody and has no buttons", () => {
  const approved = renderGate(
    gateOf(
      gateStep("approved", {
        approvals: [
          { who: "@ada", at: AT },
          { who: "@eve", at: AT },
        ],
        min: 2,
      }),
    ),
    engineering,
  );
  assert.match(shown(approved), /### ✅ Approved · design-review \/ sign-off\nBy @ada, @eve <t:\d+:R>\./);
  const rejected = renderGate(gateOf(gateStep("rejected", { reason: "too thin" })), engineering);
  assert.match(shown(rejected), /### ❌ Rejected[^\n]*\nBy @ada <t:\d+:R>\.\n> too thin/);
  const expired = renderGate(gateOf(gateStep("expired")), engineering);
  assert.match(shown(expired), /### ⌛ Expired[^\n]*\nNobody decided in time/);
  const canceled = renderGate(
    gateOf({ ...gateStep("open"), status: "canceled", by: "@you", reason: "not needed" }),
    engineering,
  );
  assert.match(
    shown(canceled),
    /No decision needed any more[^\n]*\nThe step is canceled by @you\.\n> not needed/,
  );
  const anew = renderGate(gateOf({ ...gateStep("open"), generation: 2 }), engineering);
  assert.match(shown(anew), /The step began anew/);
  for (const payload of [approved, rejected, expired, canceled, anew]) {
    assert.deepEqual(labels(payload), []);
    assert.deepEqual(bodyOf(payload).allowed_mentions, { parse: [] });
  }
});

test("a gate shows the reason of each approval, open and decided", () => {
  const approvals = [
    { who: "@ada", at: AT, reason: "fits the\nbudget @everyone" },
    { who: "@eve", at: AT },
  ];
  const open = renderGate(gateOf(gateStep("open", { approvals, min: 3 })), engineering);
  assert.match(shown(open), /\n> @ada: fits the budget @\u200beveryone\n(?!> @eve)/);
  assert.match(shown(open), /2 of 3 approvals \(@ada, @eve\)/);
  const last = { who: "@you", at: AT, reason: "go" };
  const more = { approvals: [...approvals, last], min: 3, reason: "go" };
  const approved = shown(renderGate(gateOf(gateStep("approved", more)), engineering));
  assert.match(approved, /By @ada, @eve, @you <t:\d+:R>\.\n> @ada: fits the budget[^\n]*\n> @you: go\n/);
  assert.equal(approved.split("> ").filter((line) => /\bgo\n/.test(line)).length, 1, "told once");
  const rejected = shown(
    renderGate(gateOf(gateStep("rejected", { approvals, min: 3, reason: "too thin" })), engineering),
  );
  assert.match(rejected, /> @ada: fits the budget[^\n]*\n> too thin/);
  const single = { approvals: [last], reason: "go" };
  const one = shown(renderGate(gateOf(gateStep("approved", single)), engineering));
  assert.match(one, /By @you <t:\d+:R>\.\n> go\n/);
});

test("a gate says how many it needs, who was asked besides, and keeps what was said latest", () => {
  const approvals = ["ada", "eve", "bob", "cy", "dan"].map((name) => ({
    who: name,
    at: AT,
    reason: `by ${name}`,
  }));
  const two = shown(renderGate(gateOf(gateStep("open", { min: 2, escalated: true })), engineering));
  assert.match(two, /0 of 2 approvals · expires <t:\d+:R> · escalated · digest/);
  const many = shown(renderGate(gateOf(gateStep("open", { min: 9, approvals })), engineering));
  assert.deepEqual(
    [...many.matchAll(/^> \w+: by (\w+)$/gm)].map((match) => match[1]),
    ["eve", "bob", "cy", "dan"],
  );
  const plain = approvals.map(({ who, at }) => ({ who, at }));
  const told = { approvals: plain, min: 5, reason: "go" };
  assert.match(shown(renderGate(gateOf(gateStep("approved", told)), engineering)), /R>\.\n> go\n/);
  const against = { approvals: approvals.slice(0, 1), min: 2, reason: "too thin" };
  assert.match(
    shown(renderGate(gateOf(gateStep("rejected", against)), engineering)),
    /> ada: by ada\n> too thin\n/,
    "one who approved is told beside who rejected",
  );
});

test("a gate is red when nobody decided in time, and shows five results and how many more there are", () => {
  const colourOf = (status: "approved" | "rejected" | "expired") => {
    const { components } = renderGate(gateOf(gateStep(status)), nobody);
    return /"accent_color":\d+/.exec(JSON.stringify(components))?.[0];
  };
  assert.ok(colourOf("expired"));
  assert.equal(colourOf("expired"), colourOf("rejected"));
  assert.notEqual(colourOf("expired"), colourOf("approved"));
  const ids = Array.from({ length: 9 }, (_, n) => `s${n}`);
  const steps = ids.map((id, n) =>
    n < 7
      ? stepWith(id, "partial", { result: `found ${n}`, reason: "two of three" })
      : stepWith(id, "skipped"),
  );
  const step = { ...gateStep("open"), needs: ids };
  const gate = shownGate(runWith("running", [...steps, step]), { step: "sign-off", generation: 1 });
  assert.ok(gate);
  const text = shown(renderGate(gate, nobody));
  assert.deepEqual(
    [...text.matchAll(/^> found (\d)$/gm)].map((match) => match[1]),
    ["0", "1", "2", "3", "4"],
  );
  assert.match(text, /-# and 2 more; Open run shows all/);
  const anew = shownGate(runWith("running", [...steps, { ...step, generation: 2 }]), {
    step: "sign-off",
    generation: 1,
  });
  assert.ok(anew);
  assert.doesNotMatch(shown(renderGate(anew, nobody)), /found/, "they are about another gate");
});

test("a gate of which everything is long keeps the limits with the reasons of 25 people", () => {
  const long = "word ".repeat(1200);
  const approvals = Array.from({ length: 25 }, () => ({ who: long, at: AT, reason: long }));
  const needs = Array.from({ length: 9 }, (_, n) => `${"step".repeat(9)}-${n}`);
  const steps = needs.map((id) => stepWith(id, "succeeded", { result: long, confidence: "high" }));
  for (const status of ["open", "approved", "rejected"] as const) {
    const step = { ...gateStep(status, { approvals, min: 25, prompt: long, reason: long }), needs };
    const gate = shownGate(runWith("running", [...steps, step], { asker: long }), {
      step: "sign-off",
      generation: 1,
    });
    assert.ok(gate);
    const payload = renderGate(gate, engineering);
    assert.deepEqual(limitProblems(payload), [], status);
    assert.ok(shown(payload).includes(`> ${"word ".repeat(4)}`), status);
  }
});

test("a result shows the summary, what is missing and how sure each step was; everything is in the file", () => {
  const steps = [technical, optimization];
  const view = runWith("partial", steps, {
    inputs: { design: "M2 cell" },
    result: "Zerodur meets it.",
    missing: ["optimization failed: timed out"],
  });
  const [payload, ...more] = renderRunResult("wf-design-review-1/result", view, []);
  assert.deepEqual(more, []);
  const text = shown(payload);
  assert.match(
    text,
    /### design-review · partly done in 4m 12s\nMissing:\n- optimization failed: timed out\nZerodur/,
  );
  assert.match(text, /-# confidence: technical high\n-# asked by @you · wf-design-review-1\/result$/);
  assert.deepEqual(labels(payload), ["Retry failed", "Restart run", "Show"]);
  const [file] = payload?.files ?? [];
  assert.equal(file?.name, "design-review.md");
  assert.ok(
    JSON.stringify(payload?.components).includes("attachment://design-review.md"),
    "nobody sees it else",
  );
  const whole = Buffer.from(file?.bytes ?? []).toString();
  assert.match(whole, /- design: M2 cell[\s\S]*Zerodur meets it\.[\s\S]*technical · succeeded · tech-lead/);
});

test("an output is shown as JSON, and a long result is a summary with the whole in the file", () => {
  const output = { best: "ULE", all: ["Zerodur", "ULE"] };
  const one = [stepWith("a", "succeeded")];
  const [json] = renderRunResult("r", runWith("succeeded", one, { output, result: "{}" }), []);
  assert.ok(shown(json).includes(`\`\`\`json\n${JSON.stringify(output, null, 2)}\n\`\`\``));
  const [long] = renderRunResult("r", runWith("succeeded", one, { result: "word ".repeat(5000) }), []);
  assert.match(shown(long), /the whole text is in design-review\.md/);
  assert.equal(
    Buffer.from(long?.files[0]?.bytes ?? [])
      .toString()
      .match(/word/g)?.length,
    5000,
  );
});

test("a log line of a run is one line", () => {
  const view = runWith("failed", [technical, optimization], { reason: "optimization\nfailed" });
  const { content } = renderLog("wf-1/log", glanceOf({ kind: "run", view }));
  assert.equal(
    content,
    "❌ **design-review · failed after 4m 12s** · 2 of 2 steps — optimization failed · @you · `wf-1/log`",
  );
});

test("ids that are too long for a button become a short form that says nothing of itself", () => {
  const subject = gateSubject({
    run: `wf-${"long-".repeat(12)}1`,
    step: "a-step-with-forty-characters-in-its-name",
    generation: 2,
    digest: "9f2c41ab77d0",
  });
  const id = customId("approve", subject);
  assert.ok(id.length <= 100);
  assert.match(parseCustomId(id)?.subject ?? "", /^#[0-9a-f]{40}$/);
  assert.notEqual(customId("approve", `${subject}0`), id);
});

test("whatever agents and people write, no card, gate or result breaks a limit or loses its mark", () => {
  const word = fc.string({ unit: "grapheme", maxLength: 400 });
  const long = fc.string({ unit: "grapheme", maxLength: 6000 });
  fc.assert(
    fc.property(word, long, fc.array(word, { maxLength: 30 }), (reason, said, names) => {
      const steps = [
        ...names.map((name, n) =>
          stepWith(`s${n}`, n % 2 ? "failed" : "succeeded", {
            agent: name || "x",
            reason,
            result: said,
            confidence: name.slice(0, 30),
          }),
        ),
        { ...gateStep("open", { prompt: said || "?" }), needs: names.map((_, n) => `s${n}`) },
      ];
      const view = runWith("running", steps, { asker: `@${reason}`, reason, result: said, missing: names });
      const gate = shownGate(view, { step: "sign-off", generation: 1 });
      assert.ok(gate);
      const messages: [Payload, string][] = [
        [card(view), `${view.id}/card`],
        [renderGate(gate, nobody), gateDelivery(view.id, { step: "sign-off", generation: 1 })],
        [renderLog(`${view.id}/log`, glanceOf({ kind: "run", view })), `${view.id}/log`],
        ...renderRunResult(`${view.id}/result`, view, []).map((one): [Payload, string] => [
          one,
          `${view.id}/result`,
        ]),
      ];
      for (const [message, mark] of messages) {
        assert.deepEqual(limitProblems(message), []);
        assert.ok(hasMark(bodyOf(message) as never, mark), mark);
      }
    }),
    { numRuns: 150 },
  );
});
