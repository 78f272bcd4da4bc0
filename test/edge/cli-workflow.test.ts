import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { RunListing } from "../../src/api/listings.ts";
import type { Asking, Choice } from "../../src/cli/asking.ts";
import { runTable } from "../../src/cli/run-text.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import { hq, openDesk, temporaryFolder } from "./cli-harness.ts";

const NAME = "design-review";
const RUN = ["workflow", "run", NAME, "--input", "design=M1 mount"];

/** Does `act` as soon as an event of this type was committed, once. */
function when(desk: Awaited<ReturnType<typeof openDesk>>, type: string, act: (id: string) => void): void {
  const stop = desk.door.verbs.watch(([event]) => {
    if (event?.type !== type) return;
    stop();
    act(event.stream);
  });
}

/** A desk at which every run goes through its first two steps and on to its gate. */
async function openReview(t: TestContext) {
  const desk = await openDesk(t);
  const { runs } = desk.door;
  when(desk, "run.started", (id) => {
    runs.step(id, "technical", { status: "running", startedAt: 1500 });
    runs.step(id, "technical", {
      status: "succeeded",
      settledAt: 13_500,
      confidence: "high",
      result: "Sound:\n\n- one\u001b[31m point",
    });
    runs.openGate(id);
  });
  const finish = (id: string) => runs.settle(id, { status: "succeeded", result: "Build it." });
  return { ...desk, runs, finish };
}

/** A person at the terminal who answers with the first value that is among the choices. */
function person(...answers: readonly string[]) {
  const left = [...answers];
  const asked: (readonly Choice[])[] = [];
  const asking: Asking = {
    async choose(_, choices) {
      asked.push(choices);
      return left.shift();
    },
    write: async () => left.shift(),
  };
  return { asking, asked };
}

test("run starts a workflow, shows its steps on stderr and prints the run on stdout", async (t) => {
  const desk = await openReview(t);
  when(desk, "run.changed", desk.finish);
  const { code, out, err } = await desk.hq(...RUN, "--caller", "manager");
  assert.equal(code, 0, err);
  const run = JSON.parse(out) as RunView;
  assert.deepEqual([run.status, run.result], ["succeeded", "Build it."]);
  assert.match(err, /wf-design-review-0001 · design-review/);
  assert.match(err, /✓ technical +tech-lead +12s +high/);
  assert.doesNotMatch(err, /· end/, "what has not begun makes no line");
  const { actor, said } = desk.runs.calls[0] ?? {};
  assert.deepEqual(actor, { kind: "operator", claims: "manager" });
  const { key, ...request } = said as { key?: { scope: string } };
  assert.equal(key?.scope, "rest");
  assert.deepEqual(request, {
    workflow: NAME,
    inputs: { design: "M1 mount" },
    deliver: true,
    origin: { door: "rest" },
  });
});

test("`run` may be left out, and options may stand before the name", async (t) => {
  const desk = await openReview(t);
  when(desk, "run.changed", desk.finish);
  const { code, out } = await desk.hq("workflow", "--input", "design=a=b", NAME, "--format", "text");
  assert.deepEqual([code, out], [0, "Build it.\n"]);
  const { said } = desk.runs.calls[0] ?? {};
  assert.deepEqual((said as { inputs: object }).inputs, { design: "a=b" });
});

test("an input is split at the first = only; its value may hold anything", async (t) => {
  const desk = await openDesk(t);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "f.json"), JSON.stringify({ design: "from the file", depth: "quick" }));
  const nasty = "Zerodur, Clearceram-Z HS < 0.01 ppm/K = good; $(x)\n'q'";
  const flags = ["--inputs-file", "f.json", "--input", `design=${nasty}`, "--no-wait", "--no-deliver"];
  const given = { env: { HQ_HOME: desk.home }, cwd: folder };
  const { code, out } = await hq(["workflow", "run", NAME, ...flags, "--run-id", "wf-mine"], given);
  assert.deepEqual([code, (JSON.parse(out) as RunView).id], [0, "wf-mine"]);
  assert.deepEqual(desk.door.runs.calls[0]?.said, {
    workflow: NAME,
    inputs: { design: nasty, depth: "quick" },
    runId: "wf-mine",
    deliver: false,
    origin: { door: "rest" },
  });
});

test("what is wrong with a command line is said before anything is asked", async (t) => {
  const desk = await openDesk(t);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "list.json"), "[]");
  writeFileSync(join(folder, "deep.json"), '{"design": {"a": 1}, "depth": null}');
  writeFileSync(join(folder, "half.json"), "{");
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["--input", "design"], /name=value/],
    [["--input", "=x"], /name=value/],
    [["--input", "design=a", "--input", "design=b"], /design is given twice/],
    [["--inputs-file", "none.json"], /--inputs-file none\.json cannot be read \(ENOENT\)/],
    [["--inputs-file", "half.json"], /is not JSON/],
    [["--inputs-file", "list.json"], /one JSON object/],
    [["--inputs-file", "deep.json"], /design: must be text[^]*depth: must be text/],
    [["--dry-run", "--stubs", "x.json"], /choose one/],
    [["--dri-run"], /Did you mean --dry-run/],
    [["--run-id", "../x"], /beginning with a letter/],
    [["--input", "desing=x"], /inputs\.desing: unknown input[^]*inputs\.design: is needed/],
  ];
  for (const [argv, words] of cases) {
    const given = { env: { HQ_HOME: desk.home }, cwd: folder };
    const { code, out, err } = await hq(["workflow", "run", NAME, ...argv], given);
    assert.deepEqual([code, out], [2, ""], argv.join(" "));
    assert.match(err, words);
  }
  const unknown = await desk.hq("workflow", "desing-review");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /Did you mean design-review/);
  assert.match((await desk.hq("workflow", "lsit")).err, /did you mean the command `hq workflow list`/);
});

test("at a gate it tells whom it waits for and what to type, and waits on", async (t) => {
  const desk = await openReview(t);
  const running = desk.hq(...RUN);
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  const approved = await desk.hq("workflow", "approve", "wf-design-review-0001");
  assert.equal(approved.code, 0, approved.err);
  desk.finish("wf-design-review-0001");
  const { code, err } = await running;
  assert.equal(code, 0);
  assert.match(err, /sign-off waits for role:engineering until 1970-01-02 00:00:02Z:/);
  assert.match(err, /Consolidate now\?\n {4}Two reviews are there\./);
  assert.match(
    err,
    /there\.\n {4}technical \(tech-lead, succeeded, confidence high\):\n {6}Sound:\n {6}- one point\n/,
  );
  assert.match(err, /hq workflow approve wf-design-review-0001 sign-off/);
  assert.equal(err.match(/Consolidate now/g)?.length, 1, "told once");
  assert.deepEqual(desk.runs.calls.at(-1)?.said, {
    run: "wf-design-review-0001",
    step: "sign-off",
    decision: "approve",
    digest: "0123456789ab",
  });
});

test("--non-interactive never approves: it ends with 4 at the gate, and the run goes on", async (t) => {
  const desk = await openReview(t);
  const { asking, asked } = person("approve");
  const given = { env: { HQ_HOME: desk.home }, asking };
  const { code, out, err } = await hq([...RUN, "--non-interactive"], given);
  assert.equal(code, 4);
  assert.deepEqual([(JSON.parse(out) as RunView).waiting, asked.length], ["gate", 0]);
  assert.match(err, /Paused at the gate sign-off: waits for role:engineering/);
  assert.match(err, /hq workflow reject wf-design-review-0001 sign-off --reason/);
  assert.deepEqual(
    desk.runs.calls.map(({ verb }) => verb),
    ["startRun"],
  );
});

test("a person at the terminal is asked, and the answer is about what was shown", async (t) => {
  const desk = await openReview(t);
  when(desk, "run.changed", () => when(desk, "step.changed", desk.finish));
  const { asking, asked } = person("reject", " too heavy ");
  const { code } = await hq(RUN, { env: { HQ_HOME: desk.home }, asking });
  assert.equal(code, 0);
  assert.deepEqual(
    asked.map((choices) => choices.map(({ value }) => value)),
    [["approve", "reject", "leave"]],
  );
  assert.deepEqual(desk.runs.calls.at(-1)?.said, {
    run: "wf-design-review-0001",
    step: "sign-off",
    decision: "reject",
    reason: "too heavy",
    digest: "0123456789ab",
  });
});

test("a question is taken back when somebody else has answered", async (t) => {
  const desk = await openReview(t);
  const asking: Asking = {
    choose: (_, __, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
        void desk.hq("workflow", "approve", "wf-design-review-0001", "sign-off", "--json");
      }),
    write: async () => assert.fail("nothing is to be written"),
  };
  const running = hq(RUN, { env: { HQ_HOME: desk.home }, asking });
  await new Promise<void>((resolve) => when(desk, "run.changed", () => resolve()));
  await new Promise<void>((resolve) => when(desk, "step.changed", () => resolve()));
  desk.finish("wf-design-review-0001");
  const { code, err } = await running;
  assert.equal(code, 0, err);
  assert.match(err, /Somebody else has answered/);
  assert.equal(desk.runs.calls.filter(({ verb }) => verb === "decideGate").length, 1);
});

test("Ctrl-C at a question ends the waiting with 130, not the run", async (t) => {
  const desk = await openReview(t);
  const { asking } = person();
  const { code, out, err } = await hq(RUN, { env: { HQ_HOME: desk.home }, asking });
  assert.deepEqual([code, out], [130, ""]);
  assert.match(err, /Interrupted: wf-design-review-0001 goes on/);
  assert.equal((await desk.runs.verbs.run("wf-design-review-0001")).status, "running");
});

test("after too many failures it asks for an answer, or says what to type", async (t) => {
  for (const isAsked of [true, false]) {
    const desk = await openDesk(t);
    const { runs } = desk.door;
    when(desk, "run.started", (id) => {
      runs.step(id, "technical", { status: "failed", startedAt: 1, settledAt: 2, reason: "no source" });
      runs.change(id, { stopped: { at: 5, failures: 3 }, waiting: "answer" });
    });
    when(desk, "run.resumed", (id) =>
      runs.settle(id, { status: "failed", reason: "still no source", missing: ["technical: no source"] }),
    );
    const { asking } = person("retry");
    const flags = isAsked ? [] : ["--non-interactive"];
    const { code, err } = await hq([...RUN, ...flags], { env: { HQ_HOME: desk.home }, asking });
    assert.match(err, /✗ technical +tech-lead +1ms +failed: no source/);
    assert.match(err, /hq workflow accept-partial wf-design-review-0001/);
    assert.equal(code, isAsked ? 1 : 4, err);
    assert.equal(
      runs.calls.some(({ verb }) => verb === "retryRun"),
      isAsked,
    );
    if (isAsked) {
      assert.match(err, /is failed: still no source/);
      assert.match(err, /missing: technical: no source/);
      assert.match(err, /once more: hq workflow retry wf-design-review-0001/);
    }
  }
});

test("--wait-timeout and Ctrl-C end the waiting only", async (t) => {
  const desk = await openReview(t);
  const late = await desk.hq(...RUN, "--wait-timeout", "200ms");
  assert.equal(late.code, 4);
  assert.equal((JSON.parse(late.out) as RunView).status, "running");
  assert.match(late.err, /Waited long enough: wf-design-review-0001 goes on/);
  let interrupt: () => void = () => assert.fail("nobody listens");
  // The stream of the one that left is still being closed.
  while (desk.door.api.waiting() > 0) await new Promise(setImmediate);
  const running = hq(RUN, {
    env: { HQ_HOME: desk.home },
    onInterrupt: (listener) => {
      interrupt = listener;
      return () => undefined;
    },
  });
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  interrupt();
  const { code, out } = await running;
  assert.deepEqual([code, out], [130, ""]);
});

test("on a terminal the steps are a list that is rewritten and fits", async (t) => {
  const desk = await openReview(t);
  when(desk, "run.changed", desk.finish);
  const given = {
    env: { HQ_HOME: desk.home },
    isErrTerminal: true,
    errSize: () => ({ columns: 60, rows: 5 }),
  };
  const { code, err } = await hq(RUN, given);
  assert.equal(code, 0);
  const frames = err.split("\u001b[?7l").slice(1);
  for (const frame of frames) {
    const lines = (frame.split("\u001b[?7h")[0] ?? "").split("\n").slice(0, -1);
    assert.ok(lines.length <= 3, frame);
    for (const line of lines) assert.ok(line.length < 60, line);
  }
  assert.match(err, /\u001b\[3A\r\u001b\[J/);
  assert.match(err, /… and 3 more/);
});

test("text of agents reaches no terminal with control characters", async (t) => {
  const nasty = "a\u001b[2J\u001b]0;title\u0007b\u009b31mc\u007fd\r\u0008e";
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
  for (const flags of [[], ["--format", "text"], ["--non-interactive"]]) {
    const desk = await openDesk(t);
    const { runs } = desk.door;
    when(desk, "run.started", (id) => {
      runs.step(id, "technical", {
        status: "failed",
        agent: nasty,
        reason: nasty,
        startedAt: 1,
        settledAt: 2,
      });
      runs.openGate(id);
      const { gate } = runs.step(id, "end", { stalled: nasty, status: "running" }).steps[2] ?? {};
      runs.step(id, "sign-off", gate ? { gate: { ...gate, prompt: nasty, approvers: [nasty] } } : {});
    });
    when(desk, "run.changed", (id) => {
      if (flags[0] !== "--non-interactive")
        setImmediate(() =>
          runs.settle(id, { status: "failed", result: nasty, reason: nasty, missing: [nasty] }),
        );
    });
    const { out, err } = await desk.hq(...RUN, ...flags);
    assert.doesNotMatch(out + err, control);
    const later = await desk.hq("status", "wf-design-review-0001");
    assert.doesNotMatch(later.out + later.err, control);
  }
});

test("--dry-run prints waves, agents with reasons, gates and time, and starts nothing", async (t) => {
  const desk = await openDesk(t);
  const plan = await desk.hq(...RUN, "--dry-run", "--caller", "manager");
  assert.equal(plan.code, 0, plan.err);
  assert.match(plan.out, /steps +4 in 3 waves\n/);
  assert.match(plan.out, /gates +sign-off\n/);
  assert.match(plan.out, /time +about 2m 00s, and as long as people take\n/);
  assert.match(plan.out, /1 +technical +webster +– +1m 00s +named by the step/);
  assert.match(plan.out, /2 +sign-off +approval +technical, optimization +– +by role:engineering/);
  assert.match(plan.out, /warning: steps\.end compares free text/);
  const json = await desk.hq(...RUN, "--dry-run", "--json");
  assert.equal((JSON.parse(json.out) as { waves: unknown[] }).waves.length, 3);
  assert.deepEqual(
    desk.door.runs.calls.map(({ verb }) => verb),
    ["planRun", "planRun"],
  );
});

test("list, show, graph and status read workflows and runs, for people and as JSON", async (t) => {
  const desk = await openReview(t);
  const list = await desk.hq("workflow", "list");
  assert.match(list.out, /design-review +4 +design \[depth\]/);
  assert.match(list.out, /broken +0 +– +! 1 to mend/);
  assert.match(list.err, /broken: workflows\/broken\.yaml:3:5/);
  const show = await desk.hq("workflow", "show", NAME);
  assert.match(show.out, /input +depth \(choice, default normal, quick \| normal\)/);
  assert.match(show.out, /sign-off +role:engineering +technical, optimization +gate: 1 to approve, 1d 0h/);
  assert.match((await desk.hq("workflow", "show", "broken")).out, /cannot be run/);
  assert.match((await desk.hq("workflow", "graph", NAME)).out, /^flowchart TD\n/);
  await desk.hq(...RUN, "--no-wait");
  const id = "wf-design-review-0001";
  assert.match((await desk.hq("workflow", "graph", id)).out, /class s2 waiting/);
  const nothing = await desk.hq("workflow", "graph", "other");
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /no workflow and no run other\.\n`hq workflow list` and `hq workflow status`/);
  const status = await desk.hq("workflow", "status");
  assert.match(
    status.out,
    /wf-design-review-0001 +running +design-review +operator +1\/4 .*for people at sign-off/,
  );
  const one = await desk.hq("workflow", "status", id);
  assert.match(one.out, /status +waits at a gate/);
  assert.match(one.out, /input +design=M1 mount/);
  assert.match(one.out, /\? sign-off +approval .*waits for role:engineering/);
  assert.match(one.out, /hq workflow approve wf-design-review-0001 sign-off/);
  for (const argv of [["list"], ["show", NAME], ["graph", id], ["status"], ["status", id]])
    JSON.parse((await desk.hq("workflow", ...argv, "--json")).out);
  assert.equal((await desk.hq("workflow", "graph", "nothing")).code, 2);
  const { items } = JSON.parse((await desk.hq("workflow", "status", "--json")).out) as {
    readonly items: readonly RunListing[];
  };
  // As long as ids and names really are.
  const long = items.map((run) => ({
    ...run,
    id: `${id}1m81x5d7ka22m5xe2zf`,
    asker: "operator (as tech-lead)",
  }));
  assert.match(runTable(long, 0), /for people at sign-off\n$/);
  const none = await desk.hq("workflow", "status", "--workflow", "other");
  assert.deepEqual([none.code, none.out, none.err], [0, "", "No run is like that.\n"]);
});

test("every act on a run reaches its verb, says how the run stands, and prints it as JSON", async (t) => {
  const desk = await openReview(t);
  await desk.hq(...RUN, "--no-wait");
  const id = "wf-design-review-0001";
  const cases: readonly (readonly [string[], string, object])[] = [
    [
      ["reject", id, "--reason", "no"],
      "decideGate",
      { run: id, step: "sign-off", decision: "reject", reason: "no" },
    ],
    [["retry", id], "retryRun", { id, resumes: 0 }],
    [
      ["retry", id, "end", "--task", "Other"],
      "retryRun",
      { id, step: "end", tasks: { end: "Other" }, resumes: 0 },
    ],
    [["rerun", id, "--from", "technical"], "rerun", { id, from: "technical", resumes: 0 }],
    [["skip", id, "end"], "skipStep", { id, step: "end" }],
    [["cancel", id, "--reason", "enough"], "cancelRun", { id, reason: "enough" }],
  ];
  for (const [argv, verb, said] of cases) {
    const { code, out, err } = await desk.hq("workflow", ...argv);
    assert.equal(code, 0, `${argv.join(" ")}: ${err}`);
    assert.match(out, /^wf-design-review-0001: .*\.\n$/);
    const last = desk.runs.calls.at(-1) ?? assert.fail("no verb was called");
    const { digest: _, ...rest } = last.said as { digest?: string };
    assert.deepEqual([last.verb, rest], [verb, said], argv.join(" "));
  }
  const again = await desk.hq("workflow", "cancel", id);
  assert.equal(again.code, 3);
  const accepted = await desk.hq("workflow", "accept-partial", id, "--json");
  assert.equal((JSON.parse(accepted.out) as RunView).status, "partial");
  const closed = await desk.hq("workflow", "approve", id);
  assert.equal(closed.code, 3);
  assert.match(
    closed.err,
    /No gate of wf-design-review-0001 is open[^]*hq workflow status wf-design-review-0001/,
  );
  const told = await desk.hq("workflow", "approve", id, "sign-off");
  assert.match(told.err, /sign-off was rejected by operator/);
  assert.equal((await desk.hq("workflow", "retry", id, "--task", "x")).code, 2);
});

test("the status of a run tells the reason of each approval, also at a gate that is still open", async (t) => {
  const desk = await openReview(t);
  await desk.hq(...RUN, "--no-wait");
  const id = "wf-design-review-0001";
  const { gate } = (await desk.runs.verbs.run(id)).steps[2] ?? {};
  const approvals = [
    { who: "@ada", at: 3000, reason: "fits\nthe \u001b[2Jbudget" },
    { who: "@ben", at: 3000 },
  ];
  desk.runs.step(id, "sign-off", gate ? { gate: { ...gate, min: 3, approvals } } : {});
  const { out } = await desk.hq("workflow", "status", id);
  assert.match(out, /waits for role:engineering \(2 of 3\)/);
  assert.match(out, /\napproval: sign-off by @ada: fits the \W*2?J?budget\n/);
  assert.ok(!out.includes("\u001b") && !out.includes("by @ben"), out);
  const json = JSON.parse((await desk.hq("workflow", "status", id, "--json")).out) as RunView;
  assert.equal(json.steps[2]?.gate?.approvals[0]?.reason, approvals[0]?.reason);
});

test("with two open gates the step must be named", async (t) => {
  const desk = await openReview(t);
  await desk.hq(...RUN, "--no-wait");
  const id = "wf-design-review-0001";
  const { gate } = (await desk.runs.verbs.run(id)).steps[2] ?? {};
  desk.runs.step(id, "end", { status: "waiting", ...(gate ? { gate } : {}) });
  const { code, err } = await desk.hq("workflow", "approve", id);
  assert.equal(code, 2);
  assert.match(err, /2 gates of wf-design-review-0001 are open[^]*Name one: sign-off, end/);
});

test("wait, status, cancel and logs take the id of a run as well", async (t) => {
  const desk = await openReview(t);
  await desk.hq(...RUN, "--no-wait", "--run-id", "my-review");
  const logs = await desk.hq("logs", "my-review");
  assert.match(logs.out, /my-review {2}run\.started/);
  assert.match((await desk.hq("status", "my-review")).out, /workflow +design-review/);
  const all = await desk.hq("status");
  assert.match(all.out, /my-review +running/);
  const listed = JSON.parse((await desk.hq("status", "--json")).out) as { runs: { id: string }[] };
  assert.deepEqual(
    listed.runs.map(({ id }) => id),
    ["my-review"],
  );
  const waiting = desk.hq("wait", "my-review", "--format", "text");
  while (desk.door.api.waiting() === 0) await new Promise(setImmediate);
  desk.finish("my-review");
  const { code, out, err } = await waiting;
  assert.deepEqual([code, out], [0, "Build it.\n"], err);
  const followed = await desk.hq("logs", "my-review", "--follow", "--json");
  assert.match(followed.out, /"run\.settled"/);
  const over = await desk.hq("cancel", "my-review");
  assert.deepEqual([over.code, /is settled/.test(over.err)], [3, true]);
  for (const command of ["wait", "status", "cancel", "logs"]) {
    const none = await desk.hq(command, "wf-none");
    assert.equal(none.code, 2);
    assert.match(none.err, /^hq: There is no delegation, run or task wf-none\.\n/);
  }
});

test("partial is 0 with a warning, failed and canceled are 1", async (t) => {
  const cases: readonly (readonly ["partial" | "failed" | "canceled", number, RegExp])[] = [
    ["partial", 0, /Warning: a part of wf-design-review-0001 is missing: one failed/],
    ["failed", 1, /wf-design-review-0001 is failed: one failed/],
    ["canceled", 1, /wf-design-review-0001 is canceled: one failed/],
  ];
  for (const [status, expected, words] of cases) {
    const desk = await openDesk(t);
    when(desk, "run.started", (id) =>
      desk.door.runs.settle(id, { status, reason: "one failed", missing: ["end was skipped."] }),
    );
    const { code, err } = await desk.hq(...RUN);
    assert.equal(code, expected, status);
    assert.match(err, words);
    assert.match(err, /missing: end was skipped\./);
  }
});

test("a run whose own time was over is 4", async (t) => {
  const desk = await openDesk(t);
  when(desk, "run.started", (id) => {
    desk.door.runs.settle(id, { status: "failed", code: "timed_out", reason: "the run's time is over" });
  });
  const { code, err } = await desk.hq(...RUN);
  assert.equal(code, 4);
  assert.match(err, /the run's time is over/);
});

test("help names every command of the group", async () => {
  const group = await hq(["workflow", "--help"]);
  assert.equal(group.code, 0);
  for (const name of [
    "run",
    "list",
    "show",
    "status",
    "graph",
    "approve",
    "reject",
    "cancel",
    "retry",
    "rerun",
    "skip",
    "accept-partial",
  ]) {
    assert.match(group.out, new RegExp(`^ {2}${name}\\b`, "m"), name);
    assert.match((await hq(["workflow", name, "--help"])).out, /--json/, name);
  }
});
