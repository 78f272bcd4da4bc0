import assert from "node:assert/strict";
import test from "node:test";
import { composeTask } from "../../src/domain/run-work.ts";
import { at } from "../../src/kernel/vector.ts";
import { assertReloads, begin } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const each = (expression: string, maxParallel = 2, more = {}) =>
  stepOf("each", taskOf("webster", "CTE of ${{ item }}."), { forEach: { expression, maxParallel }, ...more });
const after = stepOf("after", taskOf("auditor", "Merge ${{ join(steps.each.results, ';') }}."), {
  needs: ["each"],
});
const listed = (items: number) => JSON.stringify(Array.from({ length: items }, (_, n) => `m${n}`));
const many = (items: number) => `fromJSON('${listed(items)}')`;

test("a fan-out runs an item for each value, so many at once, and gives a readable list", () => {
  const law = begin(
    [each("split(inputs.materials, ',')"), after],
    {},
    { inputs: { materials: "Zerodur, ULE, SiC" } },
  );
  assert.deepEqual(
    law.bodies("start-child").map(({ item }) => item),
    [0, 1],
  );
  assert.equal(composeTask(law.state, law.placeOf("each", 1)).objective, "CTE of ULE.");
  law.succeed("each", 1, { result: "0.03", output: 3 });
  assert.equal(law.view.progress.running, 2, "the third takes the place of the second");
  law.succeed("each", 0, { result: "0.01" });
  law.succeed("each", 2, { result: "2.2", confidence: "low" });
  const { outcome } = law.step("each");
  assert.equal(outcome?.result, "Zerodur: 0.01\nULE: 0.03\nSiC: 2.2");
  assert.equal(outcome?.confidence, "low");
  assert.deepEqual(law.view.steps[0]?.items, { total: 3, settled: 3, failed: 0, running: 0 });
  const task = composeTask(law.state, law.placeOf("after"));
  assert.equal(task.attachments[0]?.text, "0.01;0.03;2.2");
  assertReloads(law);
});

test("some failed items make it partial, and the list names them", () => {
  const law = begin([each(many(2))]);
  law.fail("each", 0);
  law.succeed("each", 1);
  assert.equal(law.step("each").status, "partial");
  assert.equal(law.step("each").outcome?.reason, "of 2 items: 1 failed (m0)");
  assert.match(law.step("each").outcome?.result ?? "", /^m0: \(failed\) each failed\nm1: each succeeded$/);
  assert.equal(law.view.status, "partial");
});

test("each way in which an item can end is counted by itself, also when there is one of it", () => {
  const law = begin([each(many(3), 3)]);
  law.succeed("each", 0);
  law.end(law.placeOf("each", 1), "partial");
  law.end(law.placeOf("each", 2), "canceled");
  assert.equal(law.step("each").outcome?.reason, "of 3 items: 1 came back partial, 1 canceled");
});

test("without one that succeeded it has failed", () => {
  const law = begin([each(many(2)), after]);
  law.fail("each", 0);
  law.fail("each", 1);
  assert.deepEqual(law.statuses, ["each failed", "after skipped"]);
});

test("what came of the items together: the worst confidence, every artifact once, and no part called the whole", () => {
  const ended = (...statuses: readonly ("succeeded" | "partial" | "failed" | "canceled")[]) => {
    const law = begin([each(many(statuses.length), 3)]);
    const confidence = ["medium", "low", "high"];
    for (const [item, status] of statuses.entries())
      law.end(law.placeOf("each", item), status, {
        confidence: confidence[item],
        artifacts: ["all.csv", `${item}.csv`],
      } as Parameters<typeof law.end>[2]);
    return law.step("each").outcome;
  };
  const whole = ended("succeeded", "succeeded", "succeeded");
  assert.deepEqual(
    [whole?.status, whole?.confidence, whole?.artifacts],
    ["succeeded", "low", ["all.csv", "0.csv", "1.csv", "2.csv"]],
  );
  assert.equal(ended("partial", "partial")?.status, "partial");
  assert.equal(ended("succeeded", "partial")?.status, "partial");
  assert.equal(ended("partial", "failed")?.status, "partial");
  assert.equal(ended("canceled", "failed")?.status, "failed");
  assert.equal(ended("canceled", "canceled")?.status, "canceled");
});

test("items whose children were canceled by themselves are no success", () => {
  const law = begin([each(many(2))]);
  law.end(law.placeOf("each", 0), "canceled");
  law.end(law.placeOf("each", 1), "canceled");
  assert.equal(law.step("each").status, "canceled");
  assert.equal(law.view.status, "failed");
});

test("an empty list is done at once with an empty result", () => {
  const law = begin([each("fromJSON('[]')"), after]);
  assert.deepEqual(law.statuses, ["each succeeded", "after running"]);
  assert.equal(law.step("each").outcome?.result, "");
});

test("more than 1,000 items are refused", () => {
  const listing = (size: number) => {
    const list = stepOf("list", taskOf("webster", "List."));
    const law = begin([list, each("steps.list.output", 2, { needs: ["list"] })]);
    law.succeed("list", undefined, { output: Array.from({ length: size }, (_, n) => n) });
    return law.step("each");
  };
  assert.match(listing(1001).outcome?.reason ?? "", /gives 1001 items; at most 1000 are allowed/);
  assert.equal(listing(1000).items?.size, 1000);
});

test("the result of a run that ends in a fan-out says that nobody put it together", () => {
  const law = begin([each(many(2))]);
  law.succeed("each", 0, { result: "a", output: { n: 1 } });
  law.succeed("each", 1, { result: "b" });
  assert.match(law.view.result ?? "", /not synthesized.*\n\nm0: a\nm1: b$/s);
  assert.deepEqual(law.view.output, [{ n: 1 }, null]);
});

test("60 items with failures at 1, 2 and 3: no fourth begins, and people are asked once", () => {
  const law = begin([each(many(60), 1)]);
  for (const item of [0, 1, 2]) law.fail("each", item);
  assert.equal(law.bodies("start-child").length, 3);
  assert.equal(law.view.waiting, "answer");
  assert.deepEqual(law.view.stopped, { failures: 3, at: law.now });
  assert.equal(law.bodies("post").length, 1);
  assertReloads(law);
});

test("items that had not begun when people accepted what there was begin with a retry, and those that were done stay", () => {
  const failing = ["a", "b", "c"].map((id) => stepOf(id, taskOf("webster", "Go.")));
  const law = begin([each(many(3), 1), ...failing], {
    limits: { maxParallel: 4, timeoutMs: 60_000, maxFailures: 3 },
  });
  for (const id of ["a", "b", "c"]) law.fail(id);
  law.accept();
  law.succeed("each", 0);
  assert.deepEqual([law.step("each").status, law.view.status], ["partial", "partial"]);
  law.retry("each");
  assert.deepEqual(
    law.bodies("start-child").flatMap(({ item }) => item ?? []),
    [0, 1],
  );
  law.succeed("each", 1);
  law.succeed("each", 2);
  assert.equal(law.step("each").status, "succeeded");
});

test("fan-outs and single steps take turns when there is room", () => {
  const law = begin(
    [each(many(4), 4), stepOf("one", taskOf("webster", "Go.")), stepOf("two", taskOf("webster", "Go."))],
    {
      limits: { maxParallel: 1, timeoutMs: 60_000, maxFailures: 3 },
    },
  );
  const order = () =>
    law.bodies("start-child").map(({ step, item }) => (item === undefined ? step : `${step} ${item}`));
  for (let n = 0; n < 6; n++) {
    const [next] = law.bodies("start-child").slice(-1);
    law.succeed(next?.step ?? "", next?.item);
  }
  assert.deepEqual(order(), ["one", "two", "each 0", "each 1", "each 2", "each 3"]);
  assert.equal(law.view.status, "succeeded");
});

test("an item whose text cannot be made fails alone", () => {
  const law = begin([
    stepOf("each", taskOf("webster", "Of ${{ fromJSON(item) }}."), {
      forEach: { expression: "split('1,{,3', ',')", maxParallel: 3 },
    }),
  ]);
  law.succeed("each", 0);
  law.succeed("each", 2);
  assert.equal(law.step("each").status, "partial");
  assert.match(
    at(law.step("each").items ?? { size: 0, depth: 0, root: [] }, 1)?.outcome?.reason ?? "",
    /fromJSON/,
  );
});

test("items of which no text can be made end their step, also as the last ones", () => {
  const law = begin([
    stepOf("each", taskOf("webster", "Of ${{ fromJSON(item) }}."), {
      forEach: { expression: "split('1,{,[', ',')", maxParallel: 1 },
    }),
  ]);
  law.succeed("each", 0);
  assert.deepEqual([law.step("each").status, law.view.status], ["partial", "partial"]);
});

test("a retry does an item anew that was canceled by itself", () => {
  const law = begin([each(many(2))]);
  law.succeed("each", 0);
  law.end(law.placeOf("each", 1), "canceled");
  assert.equal(law.step("each").status, "partial");
  law.retry();
  assert.equal(law.step("each").status, "running");
  law.succeed("each", 1);
  assert.deepEqual([law.step("each").status, law.view.status], ["succeeded", "succeeded"]);
});

test("a retry does only the failed items anew, and news of the others changes nothing", () => {
  const law = begin([each(many(3), 3), after]);
  const before = law.placeOf("each", 1);
  law.succeed("each", 0);
  law.succeed("each", 1);
  law.fail("each", 2);
  assert.equal(law.step("after").status, "running");
  law.retry("each");
  assert.deepEqual(law.bodies("start-child").at(-1), {
    type: "start-child",
    run: "wf-1",
    step: "each",
    item: 2,
    generation: 2,
  });
  assert.deepEqual(law.end(before, "succeeded"), [], "the result that stays was told before");
  law.succeed("each", 2);
  assert.equal(law.step("each").status, "succeeded");
  assert.equal(
    law.step("each").outcome?.result,
    "m0: each succeeded\nm1: each succeeded\nm2: each succeeded",
  );
  assertReloads(law);
});

test("a rerun of a fan-out counts its items anew", () => {
  const law = begin([each(many(2))]);
  law.succeed("each", 0);
  law.rerun("each");
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.each_1"],
  );
  assert.deepEqual(
    law
      .bodies("start-child")
      .slice(2)
      .map(({ item, generation }) => [item, generation]),
    [
      [0, 2],
      [1, 2],
    ],
  );
});

test("cancel ends what runs of it and begins no further item", () => {
  const law = begin([each(many(5), 2), after]);
  law.succeed("each", 0, { result: "kept" });
  law.cancel();
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.each_1", "wf-1.each_2"],
  );
  law.end(law.placeOf("each", 1), "canceled");
  law.end(law.placeOf("each", 2), "canceled");
  assert.deepEqual(law.statuses, ["each canceled", "after canceled"]);
  assert.equal(law.view.status, "canceled");
  assert.match(law.step("each").outcome?.result ?? "", /m0: kept/, "what is there stays");
  assert.match(law.step("each").outcome?.reason ?? "", /not needed; of 5 items: 2 canceled, 2 not begun/);
});

test("a fan-out that the deadline ends has failed; nobody canceled it", () => {
  const law = begin([each(many(2))]);
  law.deadline();
  law.end(law.placeOf("each", 0), "canceled");
  law.end(law.placeOf("each", 1), "canceled");
  assert.deepEqual([law.step("each").status, law.view.status], ["failed", "failed"]);
});

test("a fan-out that a person skips keeps what it has, and its children are told to stop", () => {
  const law = begin([each(many(3), 2), after]);
  law.succeed("each", 0, { result: "kept" });
  law.skip("each");
  assert.deepEqual(law.statuses, ["each skipped", "after running"]);
  assert.equal(law.step("each").outcome?.result, "m0: kept", "nothing of what has not ended");
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.each_1", "wf-1.each_2"],
  );
  const late = law.end(law.placeOf("each", 1), "canceled");
  assert.deepEqual(law.typesOf(late), ["late-result"]);
  assert.deepEqual(law.end(law.placeOf("each", 1), "canceled"), []);
});

test("an item that began when its fan-out was skipped meanwhile is told to stop once more, when the news of it comes", () => {
  const law = begin([each(many(2), 1), after]);
  law.skip("each");
  assert.equal(law.bodies("cancel-child").length, 1);
  law.started("each", 0);
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.each_0", "wf-1.each_0"],
  );
});

test("failed items count once, and their fan-out is no failure beside them", () => {
  const law = begin([each(many(2), 1), after, stepOf("gate", approvalOf()), beside], {
    limits: { maxParallel: 4, timeoutMs: 60_000, maxFailures: 3 },
  });
  law.fail("each", 0);
  law.fail("each", 1);
  assert.equal(law.state.counts.failures, 2);
  assert.deepEqual(law.statuses, ["each failed", "after skipped", "gate waiting", "beside pending"]);
  assert.equal(law.state.stopped, undefined);
});

const beside = stepOf("beside", taskOf("webster", "Go."), { needs: ["gate"] });

test("a list that grows too long is cut with a mark", () => {
  const law = begin([each(many(3), 3)]);
  for (const item of [0, 1, 2]) law.succeed("each", item, { result: "x".repeat(40_000) });
  const { result = "" } = law.step("each").outcome ?? {};
  assert.ok(result.length < 66_000);
  assert.match(result, /\[… cut: 120014 characters in all\]$/);
});

test("a fan-out that stopped the run is retried where it stands, once nothing of it runs", () => {
  const law = begin(
    [
      stepOf("each", taskOf("webster", "Do."), {
        forEach: { expression: "split('a,b,c,d', ',')", maxParallel: 2 },
      }),
    ],
    { limits: { maxParallel: 2, timeoutMs: 1e7, maxFailures: 1 } },
  );
  law.succeed("each", 0);
  law.started("each", 2);
  law.fail("each", 1);
  assert.ok(law.state.stopped);
  assert.deepEqual(law.retry(), [], "c still runs, and nothing of it is given up");
  law.succeed("each", 2);
  const [resumed] = law.retry(undefined, { each: "Other." });
  assert.ok(resumed?.type === "run.resumed");
  assert.deepEqual(resumed.reset, [{ step: "each", generation: 2, task: "Other.", keepsItems: true }]);
  assert.equal(resumed.abandoned, undefined);
  law.succeed("each", 1);
  law.succeed("each", 3);
  assert.equal(law.view.status, "succeeded");
  assertReloads(law);
});
