import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { costOf, findModel } from "../../src/domain/task-settings.ts";
import { configFolder, loaded, refused, spoken } from "./folder.ts";

const AUTHOR = 'authors: { users: ["1471858733452890299"] }';

test("workers are off until they are enabled and authors are named", (t) => {
  const queueOf = (text: string) => loaded(t, { "hq.yaml": `task_queue: { ${text} }\n` });
  assert.equal(queueOf(AUTHOR).config.settings.taskQueue.worker.enabled, false);
  assert.equal(
    queueOf(`worker: { enabled: true }, ${AUTHOR}`).config.settings.taskQueue.worker.enabled,
    true,
  );
  const nobody = queueOf("worker: { enabled: true }, executor: worker");
  assert.equal(nobody.config.settings.taskQueue.worker.enabled, false);
  assert.match(
    nobody.warnings.map(spoken).join("\n"),
    /task_queue\.worker\.enabled: workers stay off as long as/,
  );
  const off = queueOf("executor: worker").warnings.map(spoken).join("\n");
  assert.match(off, /task_queue\.executor: says worker, and workers are off/);
  const on = queueOf(`worker: { enabled: true }, executor: worker, ${AUTHOR}`)
    .warnings.map(spoken)
    .join("\n");
  assert.doesNotMatch(on, /task_queue\.executor/);
});

test("a kind of worker has keys of its own, and takes the rest from the worker", (t) => {
  const { place } = configFolder(t, {
    "hq.yaml": [
      "task_queue:",
      "  worker:",
      "    timeout: 90",
      "    openclaw_bin: ~/bin/openclaw",
      "    env: [PYTHONPATH]",
      "    set: { TEAM: a }",
      "    kinds:",
      "      tester: { timeout: 10m, agents_md: config/tester.md, tools_md: config/tools.md, env: [GODOT_HOME], set: { TEAM: b } }",
      '      script: { command: [tools/work.sh, "{folder}"] }',
    ].join("\n"),
  });
  const result = loadConfig(place);
  assert.ok(result.ok);
  const { standard, tester, script } = result.config.settings.taskQueue.worker.kinds;
  assert.equal(standard?.command[0], "/home/ada/bin/openclaw");
  assert.deepEqual(tester, {
    command: standard?.command,
    timeoutMs: 600_000,
    timeoutHighMs: 300_000,
    env: ["PYTHONPATH", "GODOT_HOME"],
    set: { TEAM: "b" },
    agentsMd: join(place.installation, "config/tester.md"),
    toolsMd: join(place.installation, "config/tools.md"),
  });
  assert.deepEqual(script?.command, [join(place.installation, "tools/work.sh"), "{folder}"]);
  assert.equal(script?.timeoutMs, 90_000);
});

test("the older tools' variables win over the file", (t) => {
  const { place } = configFolder(t, {
    "hq.yaml":
      "task_queue: { worker: { timeout: 90, openclaw_bin: /a/openclaw, set: { PYTHONPATH: /a }, kinds: { slow: { timeout: 1h, set: { PYTHONPATH: /b } } } } }\n",
  });
  const env = {
    HOME: "/home/ada",
    TIMEOUT: "45",
    SUMMARY_MAX_LENGTH: "500",
    WORKER_RETENTION_HOURS: "0",
    AGENTS_MD_TEMPLATE: "~/agents.md",
    OPENCLAW_BIN: "/opt/openclaw",
    EXTRA_PYTHONPATH: "/opt/python",
  };
  const result = loadConfig({ ...place, env });
  assert.ok(result.ok);
  const { kinds, summaryMax, retentionMs } = result.config.settings.taskQueue.worker;
  for (const kind of [kinds["standard"], kinds["slow"]]) {
    assert.deepEqual([kind?.timeoutMs, kind?.timeoutHighMs], [45_000, 45_000]);
    assert.equal(kind?.command[0], "/opt/openclaw");
    assert.equal(kind?.agentsMd, "/home/ada/agents.md");
    assert.deepEqual(kind?.set, { PYTHONPATH: "/opt/python" });
  }
  assert.deepEqual([summaryMax, retentionMs], [500, 0]);
});

test("a variable that cannot be read is a problem with its name, and not a silent default", (t) => {
  const { place } = configFolder(t, {});
  const env = { TIMEOUT: "soon", SUMMARY_MAX_LENGTH: "-1", WORKER_RETENTION_HOURS: "1d" };
  const result = loadConfig({ ...place, env });
  assert.ok(!result.ok);
  assert.deepEqual(
    result.problems.map(({ file, path }) => `${file} ${path}`),
    ["environment TIMEOUT", "environment SUMMARY_MAX_LENGTH", "environment WORKER_RETENTION_HOURS"],
  );
});

test("what does not fit together in the queue is told with its place", (t) => {
  const problems = refused(t, {
    "hq.yaml": [
      "task_queue:",
      "  agent: websterr",
      "  default_model: primry",
      "  authors: { users: [ada] }",
      "  models: { primary: 'a b' }",
      "  worker:",
      '    command: [openclaw, "{sesion}"]',
      "    kinds: { standard: { timeout: 5m } }",
    ].join("\n"),
  });
  assert.match(problems.join("\n"), /hq\.yaml:4:\d+ task_queue\.authors\.users\.0: must be a person's id/);
  assert.match(problems.join("\n"), /hq\.yaml:5:\d+ task_queue\.models\.primary: must be a model's name/);
  assert.match(
    problems.join("\n"),
    /task_queue\.worker\.command\.1: \{sesion\} is no placeholder; there are \{session\}/,
  );
  const together = refused(t, {
    "hq.yaml":
      "task_queue:\n  agent: websterr\n  default_model: primry\n  worker: { kinds: { standard: { timeout: 5m } } }\n",
  }).join("\n");
  assert.match(
    together,
    /hq\.yaml:2:10 task_queue\.agent: there is no agent "websterr" \(did you mean "webster"\?\)/,
  );
  assert.match(
    together,
    /hq\.yaml:3:18 task_queue\.default_model: "primry" is not in models \(did you mean "primary"\?\)/,
  );
  assert.match(together, /task_queue\.worker\.kinds\.standard: is the worker itself/);
});

test("no worker is handed a secret of this installation", (t) => {
  const problems = refused(t, {
    "hq.yaml":
      "task_queue:\n  worker:\n    env: [LANG, DISCORD_TOKEN]\n    kinds: { tester: { env: [WEBSTER_TOKEN] } }\n",
    "agents.yaml": "agents:\n  webster: { port: 18828, token_env: WEBSTER_TOKEN }\n",
  }).join("\n");
  assert.match(problems, /hq\.yaml:3:17 task_queue\.worker\.env\.1: DISCORD_TOKEN holds a secret/);
  assert.match(problems, /task_queue\.worker\.kinds\.tester\.env\.0: WEBSTER_TOKEN holds a secret/);
});

test("nor what signs tokens, nor the way into the database", (t) => {
  const names = ["HQ_SECRET", "DATABASE_URL", "PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"];
  const problems = refused(t, { "hq.yaml": `task_queue: { worker: { env: [${names.join(", ")}] } }\n` });
  assert.deepEqual(
    problems.map((text) => /env\.\d: (\w+) holds a secret/.exec(text)?.[1]),
    names,
  );
});

test("a price of no model is doubted", (t) => {
  const { warnings } = loaded(t, { "hq.yaml": "task_queue: { prices: { chep: { in: 1, out: 1 } } }\n" });
  assert.match(warnings.map(spoken).join("\n"), /task_queue\.prices\.chep: .* \(did you mean "cheap"\?\)/);
});

test("a model is found by alias, full name, its last part or an allowed prefix, in any case", (t) => {
  const { taskQueue } = loaded(t, {}).config.settings;
  const kimi = { alias: "primary", model: "openrouter/moonshotai/kimi-k2.5" };
  for (const word of ["primary", " Primary ", "kimi-k2.5", "OpenRouter/moonshotai/kimi-k2.5"])
    assert.deepEqual(findModel(taskQueue, word), kimi, word);
  assert.equal(findModel(taskQueue, "step-3.5-flash:free")?.alias, "cheap");
  const other = "openrouter/acme/Model-1";
  assert.deepEqual(findModel(taskQueue, other), { alias: other, model: other });
  for (const word of [
    "chaep",
    "openrouter/",
    "openrouter/a b",
    "anthropic/opus",
    "constructor",
    "--help",
    "",
  ])
    assert.equal(findModel(taskQueue, word), undefined, word);
});

test("bug 11: the cost of tokens is dollars by the thousand, and unknown without a price", (t) => {
  const { prices } = loaded(t, {}).config.settings.taskQueue;
  const tokens = { input: 20_000, output: 1000 };
  assert.equal(costOf(prices, "openrouter/moonshotai/kimi-k2.5", tokens), 0.01125);
  assert.equal(costOf(prices, "openrouter/stepfun/step-3.5-flash:free", tokens), 0);
  assert.equal(
    costOf(
      { "moonshotai/kimi-k2.5": { inputUsd: 1, outputUsd: 0 } },
      "openrouter/moonshotai/kimi-k2.5",
      tokens,
    ),
    20,
  );
  for (const model of ["openrouter/acme/model-1", "openrouter/constructor", "constructor"])
    assert.equal(costOf(prices, model, tokens), undefined, model);
});

test("the agent of tasks that name nobody may be written as another word for it", (t) => {
  const { taskQueue } = loaded(t, { "hq.yaml": "task_queue: { agent: technical-lead }\n" }).config.settings;
  assert.equal(taskQueue.agent, "tech-lead");
});
