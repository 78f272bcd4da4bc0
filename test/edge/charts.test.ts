import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { CHART_KINDS, type MetricsView } from "../../src/domain/metrics-types.ts";
import { endedView } from "../../src/domain/metrics-view.ts";
import { type Fact, HOUR_MS, talliesOf } from "../../src/domain/tally.ts";
import { drawChart } from "../../src/telemetry/chart-draw.ts";
import { looksOf, percent, shortCount, shortSpan } from "../../src/telemetry/chart-looks.ts";
import { sheetOf } from "../../src/telemetry/chart-sheet.ts";
import { ROOT } from "../support/supervisor.ts";

const AT = Date.parse("2026-03-04T10:30:00Z");

function viewOf(facts: readonly Fact[], more: Partial<MetricsView> = {}): MetricsView {
  const tallies = talliesOf(facts).filter(({ span }) => span === "hour");
  const cut = { every: "hour", from: AT - 23 * HOUR_MS } as const;
  const now: MetricsView["now"] = {
    delegations: { queued: 0, dispatched: 0 },
    runs: { running: 0 },
    tasks: { open: 0, claimed: 0 },
    workers: { queued: 0, running: 0 },
    agents: [],
    effects: [],
  };
  return { ...endedView({ at: AT, tallies, line: tallies, cut }), behind: 0, now, ...more };
}

function fact(agent: string, at = AT): Fact {
  const figures = { counts: { n: 1 }, spans: { working: [500, 40, 1] } };
  return { kind: "delegation", at, agent, workflow: "", status: "succeeded", figures };
}

const isPng = (bytes: Uint8Array) => Buffer.from(bytes).subarray(1, 4).toString() === "PNG";

test("every kind can be drawn of nothing, of one and of very many", () => {
  const many = Array.from({ length: 40 }, (_, n) =>
    fact(`agent-with-a-name-that-is-long-${n}`, AT - n * HOUR_MS),
  );
  for (const facts of [[], [fact("webster")], many]) {
    for (const kind of CHART_KINDS) assert.ok(isPng(drawChart(kind, viewOf(facts), "light")), kind);
  }
});

test("names are words in a picture, whatever they say", () => {
  const view = viewOf([fact("webster")], { agent: '<script>"&' });
  const svg = sheetOf("overview", view, [], looksOf("dark"));
  assert.ok(!svg.includes("<script"));
  assert.ok(svg.includes("&#60;script&#62;&#34;&#38;"));
  assert.ok(isPng(drawChart("agents", viewOf([fact("<b>&{n|x}")]), "dark")));
});

test("a picture says which time and which number stand in it, also when its tiles are narrow for that", () => {
  const now = (queued: number) => ({ ...viewOf([]).now, delegations: { queued, dispatched: 1 } });
  const words = (view: MetricsView) =>
    [...sheetOf("overview", view, [], looksOf("dark")).matchAll(/font-size="([\d.]+)"[^>]*>([^<]+)</g)].map(
      ([, size, said]) => ({ size: Number(size), said }),
    );
  const sizeOf = (view: MetricsView, said: string) =>
    words(view).find((word) => word.said?.startsWith(said))?.size;
  const busy = viewOf([fact("webster")], { now: now(12_400) });
  const size = sizeOf(busy, "open, 12.4k waiting");
  assert.ok(size !== undefined && size < 13 && size > 8, String(size));
  assert.equal(sizeOf(busy, "median, p95 "), size, "all tiles alike");
  const quiet = viewOf([], { now: now(0) });
  assert.deepEqual([sizeOf(quiet, "median"), sizeOf(quiet, "open now")], [13.5, 13.5]);
});

test("numbers are short, and not all is never told as all", () => {
  assert.deepEqual([0, 850, 4200, 38_000, 720_000, 12_600_000].map(shortSpan), [
    "0",
    "850 ms",
    "4.2 s",
    "38 s",
    "12 min",
    "3.5 h",
  ]);
  assert.deepEqual([9999, 12_400, 3_100_000].map(shortCount), ["9,999", "12.4k", "3.1M"]);
  assert.deepEqual([1, 0.9999, 0.94, 0, undefined].map(percent), ["100 %", "99.9 %", "94 %", "0 %", "–"]);
});

test("what draws is loaded by a thread of its own and by nothing that the supervisor starts with", () => {
  const files = globSync("{src,commands}/**/*.ts", { cwd: ROOT });
  const naming = (words: RegExp) =>
    files.filter((file) => words.test(readFileSync(join(ROOT, file), "utf8"))).sort();
  assert.deepEqual(naming(/^import (?!type).*"(echarts|@resvg)/m), ["src/telemetry/chart-draw.ts"]);
  assert.deepEqual(naming(/(from |import\()"[^"]*chart-draw\.ts"/), ["src/telemetry/chart-worker.ts"]);
  assert.deepEqual(naming(/(from |import\()"[^"]*chart-worker\.ts"/), []);
  assert.deepEqual(naming(/^import .*"prom-client"/m), []);
});
