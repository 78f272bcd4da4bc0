import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { delegateBody } from "../../src/api/inputs.ts";
import { runBody } from "../../src/api/run-inputs.ts";
import { taskBody } from "../../src/api/task-inputs.ts";
import { REFUSALS } from "../../src/kernel/refusal.ts";
import { openDoor } from "./api-scripted.ts";
import { hq, INSTALLATION } from "./cli-harness.ts";

const spec = (name: string) => readFileSync(join(INSTALLATION, "docs", "specs", name), "utf8");

test("rest.md names every route and every code, and its example is accepted", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const text = spec("rest.md");
  const document = (await (await door.call("/openapi.json")).json()) as { paths: Record<string, object> };
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      const route = `\`${method.toUpperCase()} ${path.replace("/api/v1", "")}\``;
      assert.ok(text.includes(route), route);
    }
  }
  for (const code of Object.keys(REFUSALS)) assert.ok(text.includes(`\`${code}\``), code);
  const example = /```json\n(\{\n {2}"agent"[^]*?)```/.exec(text)?.[1] ?? "";
  delegateBody.parse(JSON.parse(example));
  const run = /```json\n(\{\n {2}"workflow"[^]*?)```/.exec(text)?.[1] ?? "";
  runBody.parse(JSON.parse(run));
  const task = /```json\n(\{\n {2}"text"[^]*?)```/.exec(text)?.[1] ?? "";
  taskBody.parse(JSON.parse(task));
  const problem = /```json\n(\{\n {2}"type"[^]*?)```/.exec(text)?.[1] ?? "";
  const answer = await door.post("/delegations", { agent: "webster", objective: "x", timeut: 3 });
  assert.deepEqual(await answer.json(), JSON.parse(problem));
});

test("rest.md names no route that is not there, and every field that a request takes", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  type Schema = { readonly properties?: object; readonly anyOf?: readonly Schema[] };
  type Operation = {
    readonly parameters?: readonly { readonly in: string; readonly name: string }[];
    readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  };
  const fieldsOf = (schema: Schema = {}): readonly string[] => [
    ...Object.keys(schema.properties ?? {}),
    ...(schema.anyOf ?? []).flatMap(fieldsOf),
  ];
  const text = spec("rest.md");
  const { paths } = (await (await door.call("/openapi.json")).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const there = new Set<string>();
  const code = [...text.matchAll(/```[^]*?```|`[^`\n]+`/g)].map(([span]) => span).join("\n");
  const words = new Set(code.match(/[\w-]+/g));
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const route = `${method.toUpperCase()} ${path.replace("/api/v1", "")}`;
      there.add(route);
      const asked = operation.parameters?.filter((one) => one.in === "query").map(({ name }) => name) ?? [];
      const sent = fieldsOf(operation.requestBody?.content["application/json"]?.schema);
      for (const field of [...asked, ...sent]) assert.ok(words.has(field), `${field} of ${route}`);
    }
  }
  for (const [, route = ""] of text.matchAll(/^\| `((?:GET|POST|PUT|DELETE) [^`]+)`/gm))
    assert.ok(there.has(route), route);
});

test("cli.md names every flag that the help names", async () => {
  const text = spec("cli.md");
  const commands = [
    "start",
    "stop",
    "delegate",
    "submit",
    "wait",
    "metrics",
    "cancel",
    "status",
    "logs",
    "trace",
    "audit",
    "export",
    "backup",
    "restore",
    "prune",
    "handoffs",
    "context",
    "route",
    "fanout",
    "health",
  ];
  for (const group of [
    "workflow",
    "work",
    "evolve",
    "queue",
    "store",
    "sessions",
    "batch",
    "cluster",
    "cluster skills",
  ]) {
    const { out } = await hq([...group.split(" "), "--help"]);
    for (const [, name = ""] of out.matchAll(/^ {2}([a-z-]+)\b.*(?:<|\[)/gm))
      if (name !== "help") commands.push(`${group} ${name}`);
  }
  assert.ok(commands.includes("workflow accept-partial"));
  assert.ok(commands.includes("queue run-again"));
  assert.ok(commands.includes("cluster restart"));
  assert.ok(commands.includes("cluster skills install"));
  assert.ok(commands.includes("sessions send"));
  for (const command of commands) {
    const { out } = await hq([...command.split(" "), "--help"]);
    assert.ok(text.includes(`\`hq ${command}`), command);
    for (const [, flag] of out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
      if (flag !== "--help") assert.ok(text.includes(`\`${flag}`), `${command} ${flag}`);
    }
  }
});
