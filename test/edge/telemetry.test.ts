import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { wantedSignals } from "../../src/telemetry/otel-wanted.ts";
import { type SeenSpan, startCollector } from "../support/otlp.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const WORDS = "Find the CTE of ULE between 20 and 40 °C";

function homeOf(t: TestContext): string {
  const folder = temporaryFolder("hq-telemetry-");
  t.after(folder.remove);
  return join(folder.path, "home");
}

const variablesFor = (url: string, more: Record<string, string> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer collector-secret-123456",
  ...more,
});

const named = (spans: readonly SeenSpan[], name: string) => spans.filter((span) => span.name === name);
/** The same span may arrive twice after a crash; it counts once. */
const distinct = (spans: readonly SeenSpan[]) => [...new Map(spans.map((span) => [span.id, span])).values()];

test("a run, its steps, delegations, attempts and posts are one trace, without what was asked or answered", async (t) => {
  const collector = await startCollector();
  t.after(collector.close);
  const supervisor = await startSupervisor(
    homeOf(t),
    variablesFor(collector.url, { OTEL_METRIC_EXPORT_INTERVAL: "300", OTEL_METRIC_EXPORT_TIMEOUT: "200" }),
  );
  t.after(supervisor.stop);
  const { body: run } = await supervisor.call("POST", "/runs", {
    workflow: "quick-research",
    inputs: { query: WORDS },
  });
  await collector.until(() =>
    named(collector.spans, "post log").some(({ attributes }) => attributes["hq.id"] === run.id),
  );
  await collector.until(() =>
    named(collector.spans, "post result").some(({ attributes }) => attributes["hq.id"] === run.id),
  );

  const spans = collector.spans;
  const whole = named(spans, "workflow quick-research")[0];
  assert.ok(whole);
  assert.deepEqual(new Set(spans.map(({ trace }) => trace)), new Set([whole.trace]));
  assert.match(whole.trace, /^[0-9a-f]{32}$/);
  assert.equal(whole.parent, undefined);
  assert.deepEqual(
    [whole.attributes["hq.status"], whole.attributes["hq.id"], whole.failure],
    ["succeeded", run.id, undefined],
  );
  const known = new Map(spans.map((span) => [span.id, span]));
  for (const span of spans) {
    assert.ok(
      span === whole || (span.parent !== undefined && known.has(span.parent)),
      `${span.name} hangs in the air`,
    );
    assert.ok(span.fromMs <= span.toMs, span.name);
  }
  const step = spans.find(({ name }) => name.startsWith("step "));
  const delegation = spans.find(({ name }) => name.startsWith("delegate "));
  assert.deepEqual([step?.parent, delegation?.parent], [whole.id, step?.id]);
  const below = spans.filter(({ parent }) => parent === delegation?.id).map(({ name }) => name);
  assert.ok(
    ["attempt", "post log"].every((name) => below.includes(name)),
    below.join(", "),
  );
  assert.equal(collector.resources[0]?.["service.name"], "atomizer-hq");
  assert.ok(collector.resources[0]?.["service.version"]);

  await collector.until(
    () =>
      collector.metrics.some(({ name }) => name === "hq.delegations") &&
      collector.metrics.some(({ name }) => name === "hq.streams"),
  );
  const settled = collector.metrics.findLast(({ name }) => name === "hq.delegations");
  assert.equal(Number(settled?.points[0]?.asInt ?? settled?.points[0]?.asDouble), 1);
  const took = collector.metrics.findLast(({ name }) => name === "hq.delegation.working");
  const [least, ...more] = took?.points[0]?.explicitBounds ?? [];
  assert.deepEqual([least, more.at(-1)], [0.016, 16_777.216], "seconds, as Prometheus is told them");
  const all = collector.bodies.join("\n");
  assert.doesNotMatch(all, /CTE of ULE|collector-secret|ppm/);
});

test("a run that outlives a kill goes on in the same trace, and each of its spans is one", async (t) => {
  const collector = await startCollector();
  t.after(collector.close);
  const home = homeOf(t);
  const first = await startSupervisor(home, variablesFor(collector.url));
  t.after(() => first.child.kill("SIGKILL"));
  const { body: run } = await first.call("POST", "/runs", {
    workflow: "design-review",
    inputs: { design: "The M2 cell" },
  });
  const reviews = ["step technical", "step optimization"];
  await collector.until(() => reviews.every((name) => named(collector.spans, name).length > 0));
  first.child.kill("SIGKILL");
  await first.exited;
  const second = await startSupervisor(home, variablesFor(collector.url));
  t.after(second.stop);
  await second.call("GET", `/runs/${run.id}?wait=20s&untilGate=true`);
  const approved = await second.call("POST", `/runs/${run.id}/steps/sign-off/approve`, {});
  assert.equal(approved.status, 200, JSON.stringify(approved.body));
  await collector.until(() =>
    named(collector.spans, "post result").some(({ attributes }) => attributes["hq.id"] === run.id),
  );
  const spans = distinct(collector.spans);
  assert.equal(new Set(spans.map(({ trace }) => trace)).size, 1);
  const steps = [...reviews, "step sign-off", "step consolidate"];
  for (const name of ["workflow design-review", ...steps, "delegate tech-lead", "delegate auditor"])
    assert.equal(named(spans, name).length, 1, name);
  const [whole] = named(spans, "workflow design-review");
  for (const name of steps) assert.equal(named(spans, name)[0]?.parent, whole?.id, name);
  const [signOff] = named(spans, "step sign-off");
  assert.equal(signOff?.attributes["hq.gate"], "approved");
  assert.ok((named(spans, "step technical")[0]?.toMs ?? 0) <= (signOff?.fromMs ?? 0));
});

test("what a collector does not take is kept, and exported when it is back; the work waits for nothing", async (t) => {
  let isAway = true;
  const collector = await startCollector(() => (isAway ? 400 : 200));
  t.after(collector.close);
  const supervisor = await startSupervisor(
    homeOf(t),
    variablesFor(collector.url, { OTEL_METRICS_EXPORTER: "none" }),
  );
  t.after(supervisor.stop);
  const ask = async (objective: string) => {
    const { body } = await supervisor.call("POST", "/delegations", { agent: "webster", objective });
    await supervisor.call("GET", `/delegations/${body.id}?wait=30s`);
    return body.id as string;
  };
  const ids = [await ask(WORDS), await ask(`${WORDS} again`)];
  await collector.until(() => collector.refused() > 0);
  assert.equal(collector.spans.length, 0);
  isAway = false;
  await collector.until(() =>
    ids.every((id) =>
      named(collector.spans, "delegate webster").some(({ attributes }) => attributes["hq.id"] === id),
    ),
  );
  assert.equal(new Set(named(collector.spans, "delegate webster").map(({ trace }) => trace)).size, 2);
  assert.match(supervisor.stderr(), /telemetry cannot be exported; it is kept and tried again/);
  assert.doesNotMatch(supervisor.stderr(), /collector-secret/);
});

test("figures that do not get through are told once, and again only when they did in between", async (t) => {
  let isAway = true;
  const collector = await startCollector(() => (isAway ? 400 : 200));
  t.after(collector.close);
  const interval = { OTEL_METRIC_EXPORT_INTERVAL: "500", OTEL_METRIC_EXPORT_TIMEOUT: "450" };
  const supervisor = await startSupervisor(
    homeOf(t),
    variablesFor(collector.url, { OTEL_TRACES_EXPORTER: "none", ...interval }),
  );
  t.after(supervisor.stop);
  await supervisor.call("POST", "/delegations", { agent: "webster", objective: WORDS });
  const told = () => supervisor.stderr().match(/figures cannot be exported.*/g) ?? [];
  const refusals = async (more: number) => {
    const before = collector.refused();
    await collector.until(() => collector.refused() >= before + more);
  };
  await refusals(4);
  assert.equal(told().length, 1, supervisor.stderr());
  assert.match(told()[0] ?? "", /tried again: export (failed .*Bad Request|timed out)/);
  isAway = false;
  const arrived = collector.bodies.length;
  await collector.until(() => collector.bodies.length >= arrived + 3);
  isAway = true;
  await refusals(4);
  assert.equal(told().length, 2, supervisor.stderr());
  assert.doesNotMatch(supervisor.stderr(), /PeriodicExportingMetricReader|collector-secret/);
});

test("what a collector says of spans that it left out is told", async (t) => {
  const collector = await startCollector(undefined, () => ({
    partialSuccess: { rejectedSpans: 3, errorMessage: "over the quota of today" },
  }));
  t.after(collector.close);
  const supervisor = await startSupervisor(
    homeOf(t),
    variablesFor(collector.url, { OTEL_METRICS_EXPORTER: "none" }),
  );
  t.after(supervisor.stop);
  await supervisor.call("POST", "/delegations", { agent: "webster", objective: WORDS });
  await collector.until(() => named(collector.spans, "post log").length > 0);
  await supervisor.stop();
  assert.match(supervisor.stderr(), /telemetry: .*over the quota of today/);
});

test("without the variables nothing of OpenTelemetry is loaded, with them it is", async (t) => {
  const loadedWith = async (variables: Record<string, string>) => {
    const home = homeOf(t);
    const path = `${home}-loaded`;
    // Notes each module of the packages as it is loaded.
    const note = `import { registerHooks } from "node:module"; import { appendFileSync } from "node:fs";
      registerHooks({ load(url, context, next) { if (url.includes("/@opentelemetry/")) appendFileSync(${JSON.stringify(path)}, url + "\\n"); return next(url, context); } });`;
    const hook = `--import=data:text/javascript,${encodeURIComponent(note)}`;
    const supervisor = await startSupervisor(home, { NODE_OPTIONS: hook, ...variables });
    await supervisor.stop();
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").length : 0;
  };
  const collector = await startCollector();
  t.after(collector.close);
  const counts = await Promise.all([
    loadedWith({}),
    loadedWith(variablesFor(collector.url, { OTEL_SDK_DISABLED: "true" })),
    loadedWith(variablesFor(collector.url)),
  ]);
  assert.deepEqual(counts.slice(0, 2), [0, 0]);
  assert.ok((counts[2] ?? 0) > 10, String(counts[2]));
});

test("an exporter or an address asks for a signal; none and disabled ask for nothing", () => {
  const [both, none] = [
    { traces: true, metrics: true },
    { traces: false, metrics: false },
  ];
  const cases: readonly (readonly [Record<string, string>, ReturnType<typeof wantedSignals>])[] = [
    [{}, none],
    [{ OTEL_SERVICE_NAME: "x", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, none],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" }, both],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_SDK_DISABLED: "TRUE" }, none],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_SDK_DISABLED: "false" }, both],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_METRICS_EXPORTER: "none" },
      { traces: true, metrics: false },
    ],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c" }, { traces: true, metrics: false }],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://c" }, { traces: false, metrics: true }],
    [{ OTEL_TRACES_EXPORTER: "console" }, { traces: true, metrics: false }],
    [{ OTEL_TRACES_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "otlp" }, both],
    [{ OTEL_TRACES_EXPORTER: "none" }, none],
  ];
  for (const [env, wanted] of cases) assert.deepEqual(wantedSignals(env), wanted, JSON.stringify(env));
});
