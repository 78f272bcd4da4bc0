import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { DelegationStatus } from "../../src/domain/delegation-types.ts";
import { agentToken } from "./api-scripted.ts";
import { hq, openDesk, temporaryFolder, writeRun } from "./cli-harness.ts";

const TASK = "Find the CTE of Zerodur";

test("delegate waits and prints the handoff; stdout holds nothing else", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "0.03 ppm/K");
  const { code, out, err } = await desk.hq(
    "delegate",
    "webster",
    TASK,
    "--caller",
    "manager",
    "--timeout",
    "120",
  );
  assert.equal(code, 0);
  const handoff = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual(
    [handoff.schemaVersion, handoff.runId, handoff.agent, handoff.status, handoff.result],
    ["1.0", "orch-0001", "webster", "complete", "0.03 ppm/K"],
  );
  assert.match(err, /webster · orch-0001 · succeeded/);
  const { actor, request } = desk.door.requests[0] ?? {};
  assert.deepEqual(actor, { kind: "operator", claims: "manager" });
  assert.equal(request?.timeoutMs, 120_000);
});

test("on a terminal the progress is one line that fits, however narrow it is", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  for (const columns of [30, 80]) {
    const { err } = await hq(["delegate", "webster", TASK], {
      env: { HQ_HOME: desk.home },
      isErrTerminal: true,
      errSize: () => ({ columns, rows: 24 }),
    });
    const lines = err.split("\r\u001b[K").slice(1);
    assert.ok(lines.length > 0);
    for (const line of lines) assert.ok(line.trimEnd().length < columns, `${columns}: ${line}`);
  }
});

test("what would be passed over is refused: waiting and not waiting, an id and filters", async (t) => {
  const desk = await openDesk(t);
  for (const argv of [
    ["delegate", "webster", TASK],
    ["workflow", "run", "quick-research"],
  ]) {
    const { code, err } = await desk.hq(...argv, "--no-wait", "--wait-timeout", "1m");
    assert.equal(code, 2);
    assert.match(err, /With --no-wait nothing waits/);
  }
  for (const filter of ["--agent=webster", "--status=queued", "--open", "--before=x"]) {
    const { code, err } = await desk.hq("status", "orch-0001", filter);
    assert.equal(code, 2, filter);
    assert.match(err, /Leave the filters out \(hq status orch-0001\), or the id/);
  }
  assert.deepEqual(desk.door.requests, []);
});

test("every flag of delegate reaches the verb", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "a.md"), "A");
  writeFileSync(join(folder, "b.md"), "B");
  const flags =
    "--timeout 2m --start-within 10m --if-down refuse --wait --wait-timeout 1m --retries 0 --validate --format text --context a.md --context b.md --channel-context technical --channel-messages 20 --no-deliver --agent-posts --channel channel:123456789012345678 --run-id orch-mine --parent orch-parent --workflow-id wf-1 --step-id research";
  const { code, out } = await hq(["delegate", "C", "-", ...flags.split(" ")], {
    env: { HQ_HOME: desk.home },
    cwd: folder,
    input: "from stdin\n",
  });
  assert.deepEqual([code, out], [0, "x\n"]);
  assert.deepEqual(desk.door.requests[0]?.request, {
    agent: "C",
    objective: "from stdin\n",
    timeoutMs: 120_000,
    startWithinMs: 600_000,
    ifDown: "refuse",
    retries: 0,
    validate: true,
    format: "text",
    attachments: [
      { name: "a.md", text: "A" },
      { name: "b.md", text: "B" },
    ],
    channelContext: { channel: "technical", messages: 20 },
    deliver: false,
    agentPosts: { channel: "123456789012345678" },
    runId: "orch-mine",
    parent: "orch-parent",
    workflow: { run: "wf-1", step: "research" },
    origin: { door: "rest" },
  });
});

test("flags that may stand alone reach the verb alone", async (t) => {
  const desk = await openDesk(t);
  const asked = async (...words: string[]) => {
    await desk.hq("delegate", ...words, "--no-wait");
    const { key: _, ...request } = desk.door.requests.at(-1)?.request ?? {};
    return request;
  };
  const plain = { objective: TASK, format: "json", deliver: true, origin: { door: "rest" } };
  const cases = [
    [["webster", TASK, "--channel", "123456789012345678"], { agentPosts: { channel: "123456789012345678" } }],
    [["webster", TASK, "--step-id", "research"], { workflow: { step: "research" } }],
    [["webster", TASK, "--workflow-id", "wf-1"], { workflow: { run: "wf-1" } }],
    [["webster", TASK, "--channel-context", "technical"], { channelContext: { channel: "technical" } }],
    [
      ["webster", TASK, "--capability", "materials", "--fallback"],
      { capability: "materials", fallback: true },
    ],
    [["webster", TASK, "--no-fallback"], { fallback: false }],
  ] as const;
  for (const [words, more] of cases)
    assert.deepEqual(await asked(...words), { agent: "webster", ...plain, ...more });
  const chosen = { capability: "materials", fallback: false };
  assert.deepEqual(await asked("--capability", "materials", TASK, "--no-fallback"), { ...plain, ...chosen });
});

test("without flags the defaults are left to the supervisor, and a key of its own goes along", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  await desk.hq("delegate", "webster", TASK);
  await desk.hq("delegate", "webster", TASK);
  const [first, second] = desk.door.requests.map(({ request }) => request);
  assert.deepEqual(
    { ...first, key: undefined },
    {
      agent: "webster",
      objective: TASK,
      format: "json",
      deliver: true,
      key: undefined,
      origin: { door: "rest" },
    },
  );
  assert.ok(first?.key && second?.key && first.key.key !== second.key.key);
});

test("the same run id is asked once, whatever it is repeated with", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  const one = await desk.hq("delegate", "webster", TASK, "--run-id", "night-7");
  const two = await desk.hq("delegate", "webster", TASK, "--run-id", "night-7");
  assert.deepEqual([two.code, two.out], [0, one.out]);
  const other = await desk.hq("delegate", "webster", "Something else", "--run-id", "night-7");
  assert.equal(other.code, 2);
  assert.match(other.err, /other work/);
});

test("the agent itself posts to its own channel when none is named", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  await desk.hq("delegate", "webster", TASK, "--agent-posts");
  assert.deepEqual(desk.door.requests[0]?.request.agentPosts, { channel: "123456789012345678" });
  const homeless = await desk.hq("delegate", "tech-lead", TASK, "--agent-posts");
  assert.equal(homeless.code, 2);
  assert.match(homeless.err, /--channel <id>/);
});

test("warnings of a delegation stand on stderr, with and without waiting, and in status", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  desk.door.state.warnings = ["The task has 501 words.", "webster will not post\u001b[2J itself."];
  for (const more of [[], ["--no-wait"]]) {
    const { code, out, err } = await desk.hq("delegate", "webster", TASK, "--format", "text", ...more);
    assert.equal(code, 0);
    assert.match(err, /^Warning: The task has 501 words\.\nWarning: webster will not post.* itself\.\n/);
    assert.doesNotMatch(out + err, /\u001b/);
    assert.doesNotMatch(out, /501/);
  }
  assert.match((await desk.hq("status", "orch-0001")).out, /warning +The task has 501 words\./);
});

test("exit codes and words follow what came of it", async (t) => {
  const cases: readonly [DelegationStatus, number, RegExp, string | undefined][] = [
    ["partial", 0, /Warning: webster did a part of orch-0001/, "half"],
    ["blocked", 1, /orch-0001 is blocked: webster did not do it/, undefined],
    ["failed", 1, /orch-0001 is failed: webster did not do it/, undefined],
    ["canceled", 1, /orch-0001 is canceled/, undefined],
    ["timed_out", 4, /orch-0001 timed out/, undefined],
  ];
  for (const [status, expected, words, result] of cases) {
    const desk = await openDesk(t);
    desk.door.settleAll(status, result);
    const { code, out, err } = await desk.hq("delegate", "webster", TASK);
    assert.equal(code, expected, status);
    assert.match(err, words);
    const told = JSON.parse(out) as { status: string; runId: string };
    assert.deepEqual([told.runId, told.status], ["orch-0001", result ? "partial" : status]);
  }
});

test("work that could be given to nobody ends with 5", async (t) => {
  const desk = await openDesk(t);
  desk.door.verbs.watch(([event]) => {
    if (event?.type === "delegation.queued")
      desk.door.change(event.stream, {
        status: "timed_out",
        code: "not_started",
        reason: "webster does not answer",
      });
  });
  const { code, err } = await desk.hq("delegate", "webster", TASK, "--start-within", "1s");
  assert.equal(code, 5);
  assert.match(err, /webster does not answer/);
});

test("--format text prints the result alone, --json the handoff even then", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "0.03\nppm/K");
  assert.equal((await desk.hq("delegate", "webster", TASK, "--format", "text")).out, "0.03\nppm/K\n");
  const json = await desk.hq("delegate", "webster", TASK, "--format", "text", "--json");
  assert.equal((JSON.parse(json.out) as { result: string }).result, "0.03\nppm/K");
});

test("agent text reaches no terminal with control characters, in no form", async (t) => {
  const desk = await openDesk(t);
  const nasty = "a\u001b[2J\u001b]0;title\u0007b\u009b31mc\u007fd\r\u0008e";
  desk.door.settleAll("succeeded", nasty);
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
  for (const flags of [["--format", "text"], ["--json"]]) {
    const { out, err } = await desk.hq("delegate", "webster", "t\u001b[31mask", ...flags);
    assert.doesNotMatch(out, control);
    assert.doesNotMatch(err, control);
    if (flags[0] === "--json") assert.equal((JSON.parse(out) as { result: string }).result, nasty);
  }
  for (const argv of [
    ["status"],
    ["status", "orch-0001"],
    ["logs", "orch-0001"],
    ["context", "#technical"],
  ]) {
    const { code, out } = await desk.hq(...argv);
    assert.equal(code, 0);
    assert.doesNotMatch(out, control, argv.join(" "));
  }
});

test("--no-wait prints the id and leaves; wait reads the outcome later", async (t) => {
  const desk = await openDesk(t);
  const asked = await desk.hq("delegate", "webster", TASK, "--no-wait");
  assert.equal(asked.code, 0);
  assert.deepEqual(JSON.parse(asked.out), {
    runId: "orch-0001",
    agent: "webster",
    status: "queued",
    attempt: 1,
  });
  const plain = await desk.hq("delegate", "webster", TASK, "--no-wait", "--format", "text");
  assert.equal(plain.out, "orch-0002\n");
  const waiting = desk.hq("wait", "orch-0001", "--format", "text");
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  desk.door.settle("orch-0001", "succeeded", "done");
  assert.deepEqual(await waiting.then(({ code, out }) => [code, out]), [0, "done\n"]);
});

test("--wait-timeout ends the waiting with 4 and says how it stands; the work goes on", async (t) => {
  const desk = await openDesk(t);
  const { code, out, err } = await desk.hq("delegate", "webster", TASK, "--wait-timeout", "50ms");
  assert.equal(code, 4);
  assert.equal((JSON.parse(out) as { status: string }).status, "queued");
  assert.match(err, /orch-0001 goes on.*hq wait orch-0001/);
  assert.equal((await desk.door.verbs.delegation("orch-0001")).status, "queued");
});

test("Ctrl-C stops the waiting, not the work: 130 and the id", async (t) => {
  const desk = await openDesk(t);
  let interrupt = (): void => assert.fail("nobody listens");
  const running = hq(["delegate", "webster", TASK], {
    env: { HQ_HOME: desk.home },
    onInterrupt(listener) {
      interrupt = listener;
      return () => undefined;
    },
  });
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  interrupt();
  const { code, out, err } = await running;
  assert.deepEqual([code, out], [130, ""]);
  assert.match(err, /Interrupted: orch-0001 goes on/);
  assert.equal((await desk.door.verbs.delegation("orch-0001")).status, "queued");
});

test("progress is one line that is rewritten on a terminal, and a line per change elsewhere", async (t) => {
  const play = async (isErrTerminal: boolean) => {
    const desk = await openDesk(t);
    const running = hq(["delegate", "webster", TASK], { env: { HQ_HOME: desk.home }, isErrTerminal });
    while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
    const { items } = await desk.door.verbs.delegations({ limit: 1 });
    const id = items[0]?.id ?? "";
    desk.door.change(id, { status: "dispatched" }, "attempt.dispatched");
    desk.door.change(
      id,
      {
        attempt: 2,
        status: "queued",
        waiting: { reason: "agent_down", text: "webster does not answer", untilAt: 5 },
      },
      "attempt.failed",
    );
    desk.door.settle(id, "succeeded", "x");
    return (await running).err;
  };
  const lines = (await play(false)).split("\n").filter(Boolean);
  assert.match(lines.at(-1) ?? "", /webster · orch-0001 · succeeded, attempt 2 of 2/);
  assert.equal(new Set(lines).size, lines.length);
  const terminal = await play(true);
  assert.equal(terminal.split("\n").length, 2, "one line, ended once");
  assert.ok(terminal.startsWith("\r\u001b[K"));
});

test("refusals say what, and what to do, with the code of their kind", async (t) => {
  const desk = await openDesk(t);
  const cases: readonly [string[], number, RegExp][] = [
    [["delegate", "nobody", TASK], 2, /no agent nobody[^]*hq agents list/],
    [
      ["delegate", "manager", TASK, "--caller", "tech-lead"],
      3,
      /tech-lead may not delegate to manager[^]*Ask manager/,
    ],
    [["delegate", "webster", "  "], 2, /task is empty/],
    [["delegate", "webster", "-"], 2, /task is empty/],
    [["delegate", "webster", TASK, "--retries", "4"], 2, /0 to 3/],
    [["delegate", "webster", TASK, "--timeout", "soon"], 2, /90s/],
    [["delegate", "webster", TASK, "--format", "xml"], 2, /json, text/],
    [
      ["delegate", "webster", TASK, "--channel", "C0AEJV13TEU"],
      2,
      /Slack channel id; Discord ids are 17 to 20 digits/,
    ],
    [["delegate", "webster", TASK, "--channel", "technical"], 2, /is invalid\. A Discord .*17 to 20 digits/],
    [["delegate", "webster", TASK, "--run-id", "../x"], 2, /beginning with a letter/],
    [["delegate", "webster", TASK, "--channel-messages", "31"], 2, /1 to 30/],
    [["delegate", "webster", TASK, "--channel-messages", "5"], 2, /without --channel-context/],
    [["delegate", "webster", TASK, "--channel-context", ""], 2, /channelContext\.channel: must not be empty/],
    [["delegate", "webster", TASK, "--context", "/nowhere/x.md"], 2, /cannot be read \(ENOENT\)/],
    [["delegate", "webster", TASK, "--timout", "5"], 2, /Did you mean --timeout/],
    [["delegate", "webster", "Find", "the", "CTE"], 2, /too many arguments/],
    [["delegate"], 2, /Nothing is asked/],
    [["nonsense"], 2, /unknown command[^]*Usage: hq \[options\] \[command\]\n`hq --help` explains/],
    [
      ["acl", "explain"],
      2,
      /argument 'who'\nUsage: hq acl explain .*<who> \[target\]\n`hq acl explain --help`/,
    ],
    [["wait", "--nonsense"], 2, /unknown option[^]*Usage: hq wait \[options\] <id>\n`hq wait --help`/],
    [["workflow"], 2, /No workflow is named[^]*`hq workflow list`/],
    [["workflow", "run", "--dry-run"], 2, /No workflow is named/],
    [[], 2, /Usage: hq/],
    [["status", "orch-none"], 2, /no delegation, run or task orch-none/],
    [["wait", "orch-none"], 2, /no delegation, run or task orch-none/],
    [["logs", "orch-none"], 2, /no delegation, run or task orch-none/],
    [["cancel", "orch-none"], 2, /no delegation, run or task orch-none/],
    [["context", "nowhere"], 2, /no channel nowhere/],
    [["agents", "show", "nobody"], 2, /no agent nobody/],
  ];
  for (const [argv, expected, words] of cases) {
    const { code, out, err } = await desk.hq(...argv);
    assert.equal(code, expected, argv.join(" "));
    assert.match(err, words);
    assert.equal(out, "", argv.join(" "));
  }
  assert.equal(desk.door.requests.filter(({ request }) => request.agent === "webster").length, 0);
});

test("a file that is no text, or cannot be read, is refused with its place, the reason and what to do", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  const folder = temporaryFolder(t);
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(folder, name), bytes);
  write("plot.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00]));
  write("zeros.md", "first\nsecond\0");
  write("latin.txt", Buffer.from("one\ntwo\nCTE in µm/°C\n", "latin1"));
  write("fine.md", "µm/°C and even \ufffd\r\n");
  const attach = (...files: string[]) =>
    hq(["delegate", "webster", TASK, ...files.flatMap((file) => ["--context", file])], {
      env: { HQ_HOME: desk.home },
      cwd: folder,
    });
  for (const [file, words] of [
    [
      "plot.png",
      /--context plot\.png is no text: .*line 1.* not UTF-8\.\n.*Convert it.*name its path in the task/,
    ],
    ["zeros.md", /--context zeros\.md is no text: .*line 2.*zero byte\.\n.*Convert it/],
    ["latin.txt", /--context latin\.txt is no text: .*line 3.* not UTF-8\.\n.*iconv/],
    ["gone.md", /--context gone\.md cannot be read \(ENOENT\)\.\n.*looked for in .*hq-cli-/],
    [".", /--context \. cannot be read \(EISDIR\)\.\n.*each file of it/],
  ] as const) {
    const { code, out, err } = await attach("fine.md", file);
    assert.deepEqual([code, out], [2, ""], file);
    assert.match(err, words);
  }
  assert.equal(desk.door.requests.length, 0);
  assert.equal((await attach("fine.md")).code, 0);
  assert.deepEqual(desk.door.requests[0]?.request.attachments, [
    { name: "fine.md", text: "µm/°C and even \ufffd\r\n" },
  ]);
});

test("help goes to stdout and is no failure, for every command", async () => {
  for (const argv of [
    ["--help"],
    ["help"],
    ["help", "delegate"],
    ...["start", "stop", "delegate", "wait", "cancel", "status", "logs", "handoffs", "context"].map(
      (name) => [name, "--help"],
    ),
    ["agents", "key", "--help"],
    ["acl", "explain", "--help"],
  ]) {
    const { code, out } = await hq(argv);
    assert.equal(code, 0, argv.join(" "));
    assert.match(out, /Usage: hq/);
    const isGroup = argv[0] === "--help" || (argv[0] === "help" && argv.length === 1);
    if (!isGroup) assert.match(out, /--json/, argv.join(" "));
  }
  assert.match((await hq(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
});

test("an agent's token makes the call that agent's; another name is refused", async (t) => {
  const desk = await openDesk(t);
  desk.door.settleAll("succeeded", "x");
  const env = {
    HQ_HOME: desk.home,
    HQ_AGENT_TOKEN: agentToken("tech-lead"),
    ORCHESTRATOR_API_KEY: "ignored",
  };
  assert.equal((await hq(["delegate", "webster", TASK, "--caller", "tech-lead"], { env })).code, 0);
  assert.deepEqual(desk.door.requests[0]?.actor, { kind: "agent", id: "tech-lead" });
  const other = await hq(["delegate", "webster", TASK, "--caller", "manager"], { env });
  assert.equal(other.code, 3);
  assert.match(other.err, /in the name of manager/);
  assert.equal((await hq(["agents", "key", "webster"], { env })).code, 3);
  const sub = await hq(["delegate", "webster", TASK, "--parent", "orch-1"], { env });
  assert.equal(sub.code, 0);
  assert.equal(desk.door.requests.at(-1)?.request.key, undefined, "its derived id is its key");
});

test("a key that is missing or wrong is told apart from a supervisor that is missing", async (t) => {
  const desk = await openDesk(t);
  const wrong = await hq(["status"], { env: { HQ_HOME: desk.home, ORCHESTRATOR_API_KEY: "wrong" } });
  assert.equal(wrong.code, 3);
  assert.match(wrong.err, /does not know the key in/);
  const bare = temporaryFolder(t);
  writeRun(bare, desk.door.url);
  const missing = await hq(["status"], { env: { HQ_HOME: bare } });
  assert.equal(missing.code, 3);
  assert.match(missing.err, /api\.key/);
});

test("status shows the supervisor and its delegations, or one of them", async (t) => {
  const desk = await openDesk(t);
  assert.match((await desk.hq("status")).out, /No delegations yet/);
  for (let i = 0; i < 3; i++) await desk.hq("delegate", "webster", `${TASK} ${i}`, "--no-wait");
  desk.door.settle("orch-0002", "succeeded", "0.03 ppm/K");
  const all = await desk.hq("status", "--limit", "2");
  assert.match(all.out, /Atomizer HQ 0\.0\.0 · local · ready/);
  assert.match(all.out, /orch-0003 {2}queued/);
  assert.match(all.err, /--before orch-0002/);
  const json = JSON.parse((await desk.hq("status", "--status", "succeeded", "--json")).out) as {
    supervisor: { ready: boolean };
    delegations: { id: string }[];
  };
  assert.deepEqual([json.supervisor.ready, json.delegations.map(({ id }) => id)], [true, ["orch-0002"]]);
  for (const filter of ["--agent=auditor", "--status=failed"])
    assert.match((await desk.hq("status", filter)).out, /\nNo delegation is like that\.\n$/, filter);
  assert.match((await desk.hq("status", "--before", "orch-0001")).out, /\nNo further delegations\.\n$/);
  assert.match((await desk.hq("status", "orch-0003")).out, /waiting +for its turn at webster/);
  const one = await desk.hq("status", "orch-0002");
  assert.match(one.out, /status +succeeded/);
  assert.match(one.out, /\n0\.03 ppm\/K\n$/);
  desk.door.state.ready = false;
  const sick = await desk.hq("status");
  assert.deepEqual([sick.code, /not ready/.test(sick.out)], [0, true]);
});

test("cancel, logs, handoffs, context, agents and acl read and print, for people and as JSON", async (t) => {
  const desk = await openDesk(t);
  await desk.hq("delegate", "webster", TASK, "--no-wait");
  assert.equal((await desk.hq("cancel", "orch-0001", "--reason", "no need")).out, "orch-0001 is canceled.\n");
  const again = await desk.hq("cancel", "orch-0001");
  assert.equal(again.code, 3);
  const logs = (await desk.hq("logs", "orch-0001")).out.trim().split("\n");
  assert.match(logs[0] ?? "", /orch-0001 {2}delegation\.queued/);
  assert.match(logs[1] ?? "", /delegation\.settled {2}status=canceled {2}reason="no need/);
  const lines = (await desk.hq("logs", "orch-0001", "--json", "--follow")).out.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { type: string }).type),
    ["delegation.queued", "delegation.settled"],
  );
  assert.equal((await desk.hq("handoffs")).err, "No handoffs were seen yet.\n");
  assert.equal((await desk.hq("handoffs", "--run", "a-1")).err, "No handoff of a-1 was seen yet.\n");
  assert.deepEqual(JSON.parse((await desk.hq("handoffs", "--json")).out), []);
  assert.equal((await desk.hq("context", "technical", "--messages", "5")).out, "[#technical] ada: hi\n");
  assert.equal(
    (JSON.parse((await desk.hq("context", "technical", "--json")).out) as { messages: number }).messages,
    20,
  );
  assert.match((await desk.hq("agents", "list")).out, /webster {3,}C {7}up/);
  assert.match((await desk.hq("agents")).out, /tech-lead/);
  assert.match((await desk.hq("agents", "show", "B")).out, /aliases +technical-lead/);
  assert.equal((JSON.parse((await desk.hq("agents", "list", "--json")).out) as unknown[]).length, 3);
  const drained = await desk.hq("agents", "drain", "H", "--reason", "new disk");
  assert.deepEqual([drained.code, drained.out], [2, ""]);
  assert.match(
    (await desk.hq("agents", "drain", "C", "--reason", "new disk")).out,
    /^webster gets no new work until `hq agents resume webster`; 0 running goes on, 0 waiting\.$/m,
  );
  assert.match((await desk.hq("agents")).out, /webster +C +draining +1970-/);
  assert.match(
    (await desk.hq("agents", "show", "C")).out,
    /drained .*by operator: new disk[^]*to mend +hq agents resume/,
  );
  const resumed = JSON.parse((await desk.hq("agents", "resume", "webster", "--json")).out) as {
    state: string;
  };
  assert.equal(resumed.state, "up");
  const key = await desk.hq("agents", "key", "webster");
  assert.equal(key.out, `${agentToken("webster")}\n`);
  assert.match(
    (await desk.hq("acl", "explain", "webster", "manager")).out,
    /webster may not delegate to manager/,
  );
  for (const more of [[], ["manager", "--verb", "approve"]]) {
    const unclear = await desk.hq("acl", "explain", "webster", ...more);
    assert.equal(unclear.code, 2);
    assert.match(
      unclear.err,
      /one thing: an agent, or a verb\.\n[^]*explain tech-lead webster[^]*--verb approve/,
    );
  }
  const acl = JSON.parse((await desk.hq("acl", "explain", "technical-lead", "webster", "--json")).out) as {
    allowed: boolean;
  };
  assert.equal(acl.allowed, true);
});

test("a channel without messages is told, and stdout stays empty", async (t) => {
  const desk = await openDesk(t);
  Object.assign(desk.door.verbs, {
    channelContext: async (channel: string, messages: number) => ({
      channel,
      channelId: "1",
      messages,
      text: "",
    }),
  });
  const { code, out, err } = await desk.hq("context", "#technical");
  assert.deepEqual([code, out, err], [0, "", "No messages in #technical.\n"]);
});

test("a problem of a whole document has no path before it", async (t) => {
  const desk = await openDesk(t);
  const problems = [{ path: "", message: "is a symbolic link" }];
  const record = { at: 5, run: "orch-0009", verdict: "unknown", path: "/h/orch-0009.json", digest: "d" };
  Object.assign(desk.door.verbs, { handoffs: async () => [{ ...record, attempt: 1, problems }] });
  assert.match((await desk.hq("handoffs")).out, /orch-0009\.json \(is a symbolic link\)/);
});

test("several problems that are all there is to say stand on lines of their own, each told once", async (t) => {
  const desk = await openDesk(t);
  const { code, err } = await desk.hq("acl", "explain", "", "");
  assert.equal(code, 2);
  assert.equal(
    err,
    "hq: The input is not valid.\n  caller: must not be empty\n  target: must not be empty\n",
  );
});

test("a reason that is also a problem is told once", async (t) => {
  const desk = await openDesk(t);
  desk.door.verbs.watch(([event]) => {
    if (event?.type === "delegation.queued")
      desk.door.change(event.stream, {
        status: "failed",
        reason: "webster says it failed: no source",
        problems: [{ path: "status", message: "webster says it failed: no source" }],
      });
  });
  const { err } = await desk.hq("delegate", "webster", TASK);
  assert.equal(err.split("no source").length, 2);
});

test("without a supervisor reading commands end with 5, and a stale run.json counts as none", async (t) => {
  const desk = await openDesk(t);
  const home = temporaryFolder(t);
  const env = { HQ_HOME: home };
  for (const argv of [
    ["status"],
    ["agents"],
    ["wait", "orch-1"],
    ["logs", "orch-1"],
    ["cancel", "orch-1"],
    ["context", "technical"],
  ]) {
    const { code, err } = await hq(argv, { env });
    assert.equal(code, 5, argv.join(" "));
    assert.match(err, /hq start/);
  }
  writeRun(home, desk.door.url, { pid: process.ppid });
  assert.equal((await hq(["status"], { env })).code, 5, "another process answers there");
  writeRun(home, "http://127.0.0.1:1");
  assert.equal((await hq(["status"], { env })).code, 5, "nobody answers there");
  writeFileSync(join(home, "run.json"), "{ half");
  assert.equal((await hq(["status"], { env })).code, 5, "torn");
  const stopped = await hq(["stop", "--json"], { env });
  assert.deepEqual([stopped.code, JSON.parse(stopped.out)], [0, { stopped: false, reason: "not running" }]);
});

test("the supervisor is found beside the nearest config/hq.yaml above the working directory", async (t) => {
  const desk = await openDesk(t);
  const root = temporaryFolder(t);
  mkdirSync(join(root, "config"));
  mkdirSync(join(root, "deep", "er"), { recursive: true });
  writeFileSync(join(root, "config", "hq.yaml"), "");
  writeRun(join(root, ".hq"), desk.door.url);
  writeFileSync(join(root, ".hq", "api.key"), (await import("./api-scripted.ts")).OPERATOR_KEY);
  const { code, out } = await hq(["agents", "--json"], { cwd: join(root, "deep", "er") });
  assert.deepEqual([code, (JSON.parse(out) as unknown[]).length], [0, 3]);
});

test("a supervisor that breaks is told with the id of its log, exit 1", async (t) => {
  const desk = await openDesk(t);
  desk.door.state.broken = true;
  const { code, err } = await desk.hq("delegate", "webster", TASK);
  assert.equal(code, 1);
  assert.match(err, /hq: The log has the details under bug-/);
});

test("waiting goes on across a restart on another port, with words, and prints once", async (t) => {
  const desk = await openDesk(t);
  const running = desk.hq("delegate", "webster", TASK, "--format", "text");
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  await desk.door.api.stop();
  const { createApi } = await import("../../src/api/server.ts");
  const { API_SETTINGS, silentLog } = await import("./api-scripted.ts");
  const second = createApi({
    verbs: desk.door.verbs,
    actorFor: () => ({ kind: "operator" }),
    settings: () => API_SETTINGS,
    log: silentLog(),
    now: Date.now,
    version: "0.0.0",
  });
  t.after(second.stop);
  writeRun(desk.home, await second.listen(0));
  while (second.waiting() === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  desk.door.settle("orch-0001", "succeeded", "after all");
  const { code, out, err } = await running;
  assert.deepEqual([code, out], [0, "after all\n"]);
  assert.match(err, /went away; the work is kept/);
  assert.match(err, /is back/);
  assert.equal(desk.door.requests.length, 1);
});
