import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { checkConfig } from "../../src/config/check.ts";
import { parseEnv } from "../../src/config/env-file.ts";
import { hqSchema } from "../../src/config/hq-schema.ts";
import { jsonSchemaOf, loadConfig } from "../../src/config/load.ts";
import { renderSchemas } from "../../src/config/schemas.ts";
import { permissionProblems } from "../../src/domain/workflow-check.ts";
import { configFolder, spoken } from "./folder.ts";
import { loadFolder, ROOT, shippedConfig } from "./workflow-fixtures.ts";

const root = join(import.meta.dirname, "..", "..");
const shipped = join(root, "config");

test("the shipped configuration passes its own check without a word, and says what the defaults say", (t) => {
  const { place } = configFolder(t, {});
  const checked = checkConfig({ ...place, dir: shipped });
  assert.ok(checked.ok);
  assert.deepEqual(checked.warnings.map(spoken), []);
  const absent = loadConfig({ ...place, dir: join(place.dir, "nowhere") });
  assert.ok(absent.ok);
  // The cluster's folder lies beside the configuration, wherever that is.
  const { cluster } = absent.config.settings;
  assert.equal(cluster.dir, join(place.dir, "cluster"));
  assert.deepEqual(checked.config.settings, {
    ...absent.config.settings,
    cluster: { ...cluster, dir: join(root, "cluster") },
  });
  assert.deepEqual(checked.config.registry.agents, absent.config.registry.agents);
  assert.deepEqual(checked.config.acl, absent.config.acl);
  assert.deepEqual(checked.config.people, absent.config.people);
});

test("the shipped agents are found by id, by letter A to H in port order, and tech-lead by its alias", (t) => {
  const checked = checkConfig({ ...configFolder(t, {}).place, dir: shipped });
  assert.ok(checked.ok);
  const { registry } = checked.config;
  assert.deepEqual(
    ["A", "B", "C", "D", "E", "F", "G", "H"].map((letter) => registry.find(letter)?.id),
    ["manager", "tech-lead", "secretary", "auditor", "optimizer", "study-builder", "nx-expert", "webster"],
  );
  assert.deepEqual(
    registry.agents.map((agent) => `${agent.id} ${new URL(agent.url).port} ${agent.model}`),
    [
      "manager 18800 Opus 4.6",
      "tech-lead 18804 Opus 4.6",
      "secretary 18808 Gemini 2.5 Pro",
      "auditor 18812 Gemini 2.5 Pro",
      "optimizer 18816 Sonnet 4.5",
      "study-builder 18820 Gemini 2.5 Pro",
      "nx-expert 18824 Sonnet 4.5",
      "webster 18828 Gemini 2.5 Pro",
    ],
  );
  assert.equal(registry.find("Technical-Lead")?.id, "tech-lead");
  assert.match(registry.find("technical-lead")?.workspace ?? "", /\/technical-lead$/);
  for (const id of ["manager", "webster"])
    assert.match(registry.find(id)?.note ?? "", /Heartbeat disabled \(Discord delivery bug\)/);
});

test("the schemas for editors are those of the code", () => {
  const files = readdirSync(join(shipped, "schema")).sort();
  const expected = renderSchemas();
  assert.deepEqual(files, Object.keys(expected).sort());
  for (const name of files)
    assert.equal(
      readFileSync(join(shipped, "schema", name), "utf8"),
      expected[name],
      `run: node src/config/write-schemas.ts`,
    );
});

test("each shipped file names its schema for editors", () => {
  for (const name of ["hq", "agents", "channels", "acl"]) {
    const [first] = readFileSync(join(shipped, `${name}.yaml`), "utf8").split("\n");
    assert.equal(first, `# yaml-language-server: $schema=schema/${name}.json`);
  }
});

test("the shipped hq.yaml shows every key, those without a value of their own as comments", () => {
  // Each section is a block of lines without an empty one.
  const blocks = readFileSync(join(shipped, "hq.yaml"), "utf8").split("\n\n");
  const json = jsonSchemaOf(hqSchema);
  const missing = Object.entries(json.properties ?? {}).flatMap(([section, { properties }]) => {
    const block = blocks.find((lines) => new RegExp(`^(# )?${section}:`).test(lines)) ?? "";
    const keys = Object.keys(properties ?? {});
    const hidden = keys.filter((key) => !new RegExp(`^(#? +| +# )${key}:`, "m").test(block));
    return block === "" ? [section] : hidden.map((key) => `${section}.${key}`);
  });
  assert.deepEqual(missing, []);
});

test(".env.example names every variable and holds no value", () => {
  const text = readFileSync(join(root, ".env.example"), "utf8");
  assert.deepEqual(
    Object.values(parseEnv(text)).filter((value) => value !== ""),
    [],
  );
  const names = [
    "DISCORD_TOKEN",
    "ORCHESTRATOR_AGENT_TOKEN",
    "CHIP_TOKEN",
    "GUILD_ID",
    "DISCORD_API",
    "ORCHESTRATOR_API_KEY",
    "HQ_HOME",
    "HQ_CONFIG",
    "HQ_PORT",
    "HQ_GUILD_PORT",
    "HQ_AGENTS",
    "OPENCLAW_GATEWAY_TOKEN",
    "PGPASSWORD",
    "TIMEOUT",
    "SUMMARY_MAX_LENGTH",
    "WORKER_RETENTION_HOURS",
    "AGENTS_MD_TEMPLATE",
    "OPENCLAW_BIN",
    "EXTRA_PYTHONPATH",
  ];
  for (const name of names) assert.match(text, new RegExp(`\\b${name}\\b`));
});

test("the manager may start every workflow that ships", () => {
  const { acl, registry } = shippedConfig();
  const { entries } = loadFolder(join(ROOT, "workflows"));
  const nested = Object.fromEntries(
    entries.flatMap(({ name, definition }) => (definition ? [[name, definition]] : [])),
  );
  for (const definition of Object.values(nested)) {
    const problems = permissionProblems(
      definition,
      nested,
      { kind: "operator", claims: "manager" },
      acl,
      registry,
    );
    assert.deepEqual(problems, [], definition.name);
  }
  assert.ok(entries.length >= 10);
});
