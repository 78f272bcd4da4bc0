import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { delegateBody } from "../../src/api/inputs.ts";
import { runBody } from "../../src/api/run-inputs.ts";
import { taskBody } from "../../src/api/task-inputs.ts";
import type { DelegationStatus, FailureReason, WaitingReason } from "../../src/domain/delegation-types.ts";
import type { RunView, StepView } from "../../src/domain/run-view.ts";
import type { DelegationView } from "../../src/domain/view.ts";
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

test("rest.md says what a delegation, a run and a step look like, field by field", () => {
  const text = spec("rest.md");
  /** The first words of the rows of the table that begins so. */
  const rows = (begin: string) => {
    const table = text.split(`${begin}\n`)[1]?.split("\n\n")[0] ?? "";
    return [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names = ""]) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
  };
  const delegation: Readonly<Record<keyof DelegationView, true>> = {
    agent: true,
    asker: true,
    attempt: true,
    attempts: true,
    caller: true,
    capability: true,
    choice: true,
    code: true,
    deadlineAt: true,
    deliver: true,
    dispatchedAt: true,
    format: true,
    handoff: true,
    id: true,
    maxAttempts: true,
    model: true,
    objective: true,
    origin: true,
    parent: true,
    problems: true,
    queuedAt: true,
    reason: true,
    reroutes: true,
    settledAt: true,
    status: true,
    timeoutMs: true,
    validate: true,
    waiting: true,
    warnings: true,
    workflow: true,
  };
  const run: Readonly<Record<keyof RunView, true>> = {
    asker: true,
    caller: true,
    code: true,
    deadlineAt: true,
    deliver: true,
    id: true,
    inputs: true,
    missing: true,
    origin: true,
    output: true,
    parent: true,
    progress: true,
    reason: true,
    result: true,
    resumes: true,
    round: true,
    settledAt: true,
    startedAt: true,
    status: true,
    steps: true,
    stopped: true,
    waiting: true,
    workflow: true,
  };
  const step: Readonly<Record<keyof StepView, true>> = {
    agent: true,
    artifacts: true,
    by: true,
    capability: true,
    child: true,
    confidence: true,
    gate: true,
    generation: true,
    id: true,
    issues: true,
    items: true,
    kind: true,
    model: true,
    needs: true,
    output: true,
    reason: true,
    result: true,
    settledAt: true,
    stalled: true,
    startedAt: true,
    status: true,
    untilAt: true,
    verdict: true,
    workers: true,
  };
  assert.deepEqual(rows("| field | |").toSorted(), Object.keys(delegation));
  assert.deepEqual(rows("| field of a run | |").toSorted(), Object.keys(run));
  assert.deepEqual(rows("| field of a step | |").toSorted(), Object.keys(step));
  const words: Readonly<Record<WaitingReason | FailureReason | DelegationStatus, true>> = {
    agent_busy: true,
    agent_down: true,
    agent_draining: true,
    agent_failed: true,
    agent_unauthorized: true,
    blocked: true,
    canceled: true,
    dispatched: true,
    failed: true,
    invalid_handoff: true,
    not_started: true,
    partial: true,
    queued: true,
    rate_limited: true,
    refused: true,
    succeeded: true,
    timed_out: true,
    uncertain: true,
  };
  const section = text.split("## What a delegation looks like")[1]?.split("\n## ")[0] ?? "";
  for (const word of Object.keys(words)) assert.ok(section.includes(`\`${word}\``), word);
});

/** Every command that does something, `hq help` apart, with its help. */
async function allCommands(words: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const { out } = await hq([...words, "--help"]);
  const listed = out.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "";
  const names = [...listed.matchAll(/^ {2}([a-z-]+)/gm)].flatMap(([, name]) => name ?? []);
  if (names.length === 0) return new Map([[words.join(" "), out]]);
  for (const name of names)
    if (name !== "help") for (const each of await allCommands([...words, name])) found.set(...each);
  return found;
}

test("cli.md names every command and every flag that the help names, and every command knows --json", async () => {
  const text = spec("cli.md");
  const commands = await allCommands();
  for (const name of ["workflow accept-partial", "queue run-again", "cluster skills install", "agents key"])
    assert.ok(commands.has(name), name);
  for (const [command, help] of commands) {
    // `hq backup|restore` and the like stand in one row each; some rows name two commands.
    assert.ok(text.includes(`\`hq ${command}`), command);
    const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
    assert.ok(flags.includes("--json"), `${command} --json`);
    for (const flag of flags)
      if (flag !== "--help") assert.match(text, new RegExp(`\`${flag}[\` ]`), `${command} ${flag}`);
  }
});

test("each command of a group has a line in cli.md, with every flag of its own", async () => {
  const rows = spec("cli.md").split("\n");
  const missing: string[] = [];
  let looked = 0;
  for (const group of ["queue", "sessions", "batch", "work", "evolve", "templates", "agents", "acl"]) {
    const { out } = await hq([group, "--help"]);
    for (const [, name = ""] of out.matchAll(/^ {2}([a-z][a-z-]+)\b(?:\|\S+)? /gm)) {
      if (name === "help") continue;
      const about = await hq([group, name, "--help"]);
      const row = rows.filter((line) => new RegExp(`^\\|.*\`hq ${group} ${name}[ \`]`).test(line)).join("\n");
      if (row === "") missing.push(`${group} ${name}`);
      for (const [, flag = ""] of about.out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
        looked++;
        const isKnown = flag === "--help" || flag === "--json" || /\| those of `/.test(row);
        if (!isKnown && !row.includes(flag)) missing.push(`${group} ${name} ${flag}`);
      }
    }
  }
  assert.ok(looked > 150, `${looked} flags`);
  assert.deepEqual(missing, []);
});
