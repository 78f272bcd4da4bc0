import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "node:test";

const root = resolve(import.meta.dirname, "..");

/** The layers: what each folder may import inside the project, and which packages it may name. */
const LAYERS: Readonly<Record<string, { inside: readonly string[]; packages: readonly string[] }>> = {
  "src/kernel": { inside: [], packages: ["node:crypto"] },
  "src/domain": { inside: ["src/kernel"], packages: ["zod", "@actions/expressions"] },
  "src/engine": { inside: ["src/domain", "src/kernel"], packages: [] },
  "src/ledger": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: ["node:sqlite", "node:worker_threads", "pg", "node:fs", "node:path"],
  },
  "src/agents": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: ["undici", "node:child_process", "node:fs", "node:path"],
  },
  "src/handoffs": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: ["chokidar", "node:fs", "node:fs/promises", "node:path"],
  },
  "src/config": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: ["yaml", "chokidar", "zod", "node:fs", "node:path"],
  },
  "src/schemas": { inside: ["src/engine/ports", "src/domain", "src/kernel"], packages: ["ajv"] },
  "src/triggers": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: ["node-cron", "cron-parser"],
  },
  "src/telemetry": {
    inside: ["src/engine/ports", "src/domain", "src/kernel"],
    packages: [
      "pino",
      "prom-client",
      "echarts",
      "@resvg/resvg-js",
      "@opentelemetry/api",
      "@opentelemetry/sdk-node",
      "node:worker_threads",
      "node:fs",
      "node:fs/promises",
      "node:path",
      "node:url",
    ],
  },
  "src/discord": {
    inside: ["src/engine", "src/domain", "src/kernel"],
    packages: ["discord.js", "node:fs", "node:path", "node:url"],
  },
  "src/api": {
    inside: ["src/engine", "src/domain", "src/kernel"],
    packages: [
      "fastify",
      "@fastify/swagger",
      "@fastify/rate-limit",
      "@fastify/helmet",
      "@fastify/static",
      "@dagrejs/dagre",
      "fastify-type-provider-zod",
      "zod",
      "node:crypto",
    ],
  },
  "src/page": { inside: [], packages: [] },
  commands: { inside: ["src/discord", "src/engine", "src/domain", "src/kernel"], packages: ["discord.js"] },
  // A program of its own that a worker's process runs; nothing imports it.
  "src/local/worker": { inside: [], packages: ["node:child_process", "node:fs", "node:path"] },
  "src/local": {
    inside: ["src/kernel"],
    packages: [
      "fastify",
      "@fastify/multipart",
      "@fastify/static",
      "ws",
      "discord-api-types",
      "node:fs",
      "node:path",
      "node:crypto",
      "node:http",
      "node:stream",
    ],
  },
};
/** Edges take types from the engine, never its doing. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  "src/discord": ["src/engine"],
  "src/api": ["src/engine"],
  commands: ["src/engine"],
};
const LONGEST = 300;

const files = globSync(["src/**/*.ts", "commands/**/*.ts"], { cwd: root }).sort();
const layerOf = (file: string) => Object.keys(LAYERS).find((layer) => file.startsWith(`${layer}/`));
const IMPORT =
  /^\s*(import|export)\b(\s+type\b)?[^;"']*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

function importsOf(file: string) {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(IMPORT)].map((match) => ({
    spec: match[3] ?? match[4] ?? match[5] ?? "",
    typeOnly: match[2] !== undefined,
  }));
}

test("every import goes where the layers allow", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    if (!layer) continue;
    const rules = LAYERS[layer];
    assert.ok(rules);
    for (const { spec, typeOnly } of importsOf(file)) {
      if (spec.startsWith(".")) {
        const target = relative(root, resolve(root, dirname(file), spec));
        const isInside =
          target.startsWith(`${layer}/`) ||
          rules.inside.some((to) => target === to || target.startsWith(`${to}/`));
        if (!isInside) wrong.push(`${file} imports ${target}`);
        const typesOnly =
          TYPES_ONLY[layer]?.some((to) => target.startsWith(`${to}/`)) && !target.startsWith(`${layer}/`);
        if (typesOnly && !typeOnly) wrong.push(`${file} imports more than types from ${target}`);
      } else {
        const name = spec.startsWith("node:")
          ? spec
          : spec
              .split("/")
              .slice(0, spec.startsWith("@") ? 2 : 1)
              .join("/");
        if (!rules.packages.includes(name)) wrong.push(`${file} names the package ${name}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("the layers see imports that reach outside", () => {
  const found = [
    ...`import { a } from "../agents/hooks.ts";\nimport "undici";\nexport type { B } from "zod";\nawait import("ws");`.matchAll(
      IMPORT,
    ),
  ];
  assert.deepEqual(
    found.map((m) => m[3] ?? m[4] ?? m[5]),
    ["../agents/hooks.ts", "undici", "zod", "ws"],
  );
});

test("one undici serves the agents and discord.js: each copy takes memory, and another version breaks uploads", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Readonly<Record<string, unknown>>;
  };
  assert.deepEqual(
    Object.keys(packages).filter((path) => path.endsWith("/undici")),
    ["node_modules/undici"],
  );
});

test("only src/app/store.ts knows which store the ledger is", () => {
  const named = files.filter(
    (file) =>
      !file.startsWith("src/ledger/") &&
      importsOf(file).some(({ spec }) => /ledger\/(sqlite|postgres)/.test(spec)),
  );
  assert.deepEqual(
    named.filter((file) => file !== "src/app/store.ts"),
    [],
  );
});

test("every folder of src has its place in the layers", () => {
  const strangers = files.filter(
    (file) => !layerOf(file) && !/^src\/(app|main)\.ts$|^src\/(app|cli)\//.test(file),
  );
  assert.deepEqual(strangers, []);
});

test(`no file is longer than ${LONGEST} lines`, () => {
  const long = files
    .filter((file) => !file.startsWith("src/local/page/") && !file.startsWith("src/page/"))
    .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length - 1] as const)
    .filter(([, lines]) => lines > LONGEST);
  assert.deepEqual(long, []);
});

test("time, chance and environment come in as arguments below the adapters", () => {
  const inner = files.filter((file) => /^src\/(domain|engine)\//.test(file));
  const impure = inner.filter((file) =>
    /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b|\bnew Date\(\)/.test(
      readFileSync(join(root, file), "utf8"),
    ),
  );
  assert.deepEqual(impure, []);
});
