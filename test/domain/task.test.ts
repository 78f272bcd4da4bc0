import assert from "node:assert/strict";
import test from "node:test";
import { task, taskChildIn, taskWakeAt } from "../../src/domain/task.ts";
import type { TaskInput } from "../../src/domain/task-events.ts";
import { isTaskOpen, type TaskOutcome, taskChildOf } from "../../src/domain/task-types.ts";
import { given, LEAD, POSTED_AT, STRANGER, seen, step, WEBSTER, WRONG } from "../support/task.ts";

const OPERATOR = { kind: "operator" } as const;
const CHILD = { id: "task-7.d1", kind: "delegation" } as const;
const BY_ADA = { others: ["8"], own: false };
const OURS = { others: [], own: true };
const posted = seen(POSTED_AT + 100);
const graced: TaskInput = { type: "wake", at: POSTED_AT + 2000 };
const claimed: TaskInput = { type: "discord-claimed", at: 3100, try: 1 };
const started: TaskInput = { type: "child-started", at: 3200, try: 1, child: CHILD };
const ended = (more: Partial<TaskOutcome> = {}): TaskInput => ({
  type: "child-settled",
  try: 1,
  child: CHILD.id,
  outcome: { at: 4000, status: "done", childStatus: "succeeded", summary: "0.02 ppm/K", ...more },
});
const toDone = [posted, graced, claimed, started, ended()] as const;

test("a task waits for edits, and then for its claim on Discord", () => {
  const waiting = given(posted);
  assert.equal(waiting.state.status, "open");
  assert.equal(taskWakeAt(waiting.state), POSTED_AT + 2000);
  assert.deepEqual(waiting.kinds, []);
  const { state, effects } = given(posted, graced);
  assert.equal(state.status, "open");
  assert.equal(taskWakeAt(state), undefined);
  assert.deepEqual(effects, [
    {
      body: { type: "task-claim", task: "task-7", try: 1 },
      lane: "discord",
      dueAt: 3000,
      slot: { lane: "tasks:agent:webster", attempt: 1 },
    },
  ]);
});

test("the claim begins its work once, and keeps its place until the end", () => {
  const { state, kinds, slots } = given(posted, graced, claimed);
  assert.equal(state.status, "claimed");
  assert.deepEqual(kinds, ["start-task", "card"]);
  assert.equal(slots[0]?.attempt, 1);
  assert.ok((slots[0]?.until as number) > 1e15);
  assert.deepEqual(given(posted, graced, claimed, claimed).events, []);
  assert.equal(given(posted, graced, claimed, started).state.tries[0]?.child, CHILD.id);
  const over = given(...toDone);
  assert.equal(over.state.status, "done");
  assert.deepEqual(over.kinds, ["card"]);
  assert.deepEqual(over.slots, [{ attempt: 1, until: "free" }]);
  assert.equal(over.state.tries[0]?.outcome?.summary, "0.02 ppm/K");
});

test("what is partial is done, what failed has failed, and the end may be faster than the news of the beginning", () => {
  const fast = given(posted, graced, claimed, ended({ childStatus: "partial" }));
  assert.deepEqual(fast.types, ["task.started", "task.settled"]);
  assert.equal(fast.state.status, "done");
  assert.deepEqual(given(posted, graced, claimed, ended(), started).events, []);
  const failed = ended({ status: "failed", childStatus: "timed_out", reason: "no answer" });
  assert.equal(given(posted, graced, claimed, started, failed).state.status, "failed");
});

test("a message read back after the grace is claimed at once, also when its clock goes ahead of ours", () => {
  assert.deepEqual(given(seen(900_000)).types, ["task.seen", "task.claiming"]);
  const ahead = given(seen(500));
  assert.equal(taskWakeAt(ahead.state), 2500);
});

test("an edit within the grace counts and is waited for; one after the claim does not count", () => {
  const edit = seen(2500, { words: LEAD, editedAt: 2400, task: { text: "Find the CTE" } });
  const edited = given(posted, edit);
  assert.deepEqual(edited.types, ["task.edited"]);
  assert.equal(taskWakeAt(edited.state), 4400);
  const { effects } = given(posted, edit, { type: "wake", at: 4400 });
  assert.equal(effects[0]?.slot?.lane, "tasks:agent:tech-lead");
  assert.deepEqual(
    given(posted, graced, claimed, { ...edit, at: 3150, editedAt: 3120, checks: OURS }).events,
    [],
  );
});

test("an older look at a message that was edited since changes nothing", () => {
  const edit = seen(2500, { words: LEAD, editedAt: 2400, task: { text: "Find the CTE" } });
  assert.deepEqual(given(posted, edit, seen(2600)).events, []);
});

test("while it waits for its turn an edit keeps the place, unless somebody else is to do it", () => {
  const same = seen(3500, { editedAt: 3400, task: { text: "Find the CTE of ULE [agent:webster]" } });
  const kept = given(posted, graced, same);
  assert.deepEqual(kept.types, ["task.edited"]);
  assert.equal(given(posted, graced, same, { ...claimed, at: 3600 }).state.status, "claimed");
  const other = seen(3500, { words: LEAD, editedAt: 3400, task: { text: "Find the CTE" } });
  const moved = given(posted, graced, other);
  assert.deepEqual(moved.types, ["task.edited"]);
  assert.deepEqual(moved.slots, [{ attempt: 1, until: "free" }]);
  const anew = given(posted, graced, { ...other, at: 9000 });
  assert.deepEqual([anew.types, anew.kinds], [["task.edited", "task.claiming"], ["task-claim"]]);
});

test("wrong tags are answered once when the grace is over, and mending them makes it a task", () => {
  const wrong = seen(POSTED_AT + 100, { words: WRONG });
  assert.deepEqual(given(wrong).types, ["task.seen"]);
  const refused = given(wrong, graced);
  assert.equal(refused.state.status, "open");
  const body = refused.effects[0]?.body;
  assert.ok(body?.type === "post");
  assert.equal(body.delivery.id, "task-7/refused-1");
  assert.equal(body.delivery.replyTo, "7");
  assert.match(body.delivery.text ?? "", /wbster.*Edit the message/s);
  assert.deepEqual(given(wrong, graced, { ...wrong, at: 9000 }).events, []);
  const still = { ...wrong, at: 9000, editedAt: 6000, task: { ...wrong.task, text: "other" } };
  assert.deepEqual(given(wrong, graced, still).types, ["task.edited", "task.refused"]);
  const mended = seen(9000, { editedAt: 6000, task: { text: "Find the CTE [agent: webster]" } });
  assert.deepEqual(given(wrong, graced, mended).types, ["task.edited", "task.claiming"]);
});

test("what a mended configuration allows is taken up without an edit", () => {
  const wrong = seen(POSTED_AT + 100, { words: WRONG });
  assert.deepEqual(given(wrong, graced, seen(9000)).types, ["task.edited", "task.claiming"]);
});

test("what nobody mends within a day is withdrawn, and an edit after that still counts", () => {
  const wrong = seen(POSTED_AT + 100, { words: WRONG });
  const { state } = given(wrong, graced);
  const day = taskWakeAt(state);
  assert.equal(day, 3000 + 86_400_000);
  const forgotten = { type: "wake", at: day ?? 0 } as const;
  assert.equal(given(wrong, graced, forgotten).state.status, "withdrawn");
  const mended = seen(day ?? 0, { editedAt: 90_000_000, at: 90_000_000 } as object);
  const late = { ...mended, at: 90_010_000, task: { ...mended.task, text: "new words" } };
  assert.deepEqual(given(wrong, graced, forgotten, late).types, ["task.edited", "task.claiming"]);
});

test("an author who may not post is told at once, is no open work, and stays out when the message is edited", () => {
  const stranger = seen(POSTED_AT + 100, { words: STRANGER });
  const { state, kinds } = given(stranger);
  assert.deepEqual([state.status, kinds], ["withdrawn", ["post"]]);
  const edit = { ...stranger, at: 9000, editedAt: 6000, task: { ...stranger.task, text: "please" } };
  assert.equal(given(stranger, edit).state.status, "withdrawn");
  assert.deepEqual(given(stranger, edit).kinds, []);
  const quiet = seen(POSTED_AT, {
    words: { ...STRANGER, refusal: { text: "x", isFinal: true, isQuiet: true } },
  });
  assert.deepEqual(given(quiet).kinds, []);
});

test("a person's ✅ before the claim takes it out, and removing it puts it back", () => {
  const handled = given(posted, seen(2000, { checks: BY_ADA }));
  assert.equal(handled.state.status, "withdrawn");
  assert.equal(handled.state.handledBy?.user, "8");
  assert.equal(taskWakeAt(handled.state), undefined);
  const waiting = given(posted, graced, seen(3050, { checks: BY_ADA }));
  assert.deepEqual(waiting.types, ["task.handled"]);
  const back = given(posted, seen(2000, { checks: BY_ADA }), seen(9000));
  assert.deepEqual(back.types, ["task.reopened"]);
  assert.equal(taskWakeAt(back.state), 11_000);
  assert.deepEqual(given(seen(900_000, { checks: BY_ADA })).types, ["task.seen", "task.handled"]);
});

test("a person's ✅ that is first seen with the claim takes it out as well", () => {
  const { state, slots } = given(posted, graced, { type: "discord-handled", at: 3100, try: 1, user: "8" });
  assert.deepEqual([state.status, state.handledBy?.user], ["withdrawn", "8"]);
  assert.deepEqual(slots, [{ attempt: 1, until: "free" }]);
});

test("a person's ✅ on what we began or did says nothing", () => {
  const both = { others: ["8"], own: true };
  assert.deepEqual(given(posted, graced, claimed, seen(3150, { checks: both })).events, []);
  assert.deepEqual(given(...toDone, seen(5000, { checks: both })).events, []);
});

test("our ✅ on a message that was never seen means that somebody else did it", () => {
  const { state, kinds } = given(seen(900_000, { checks: OURS }));
  assert.ok(state.takenBy);
  assert.deepEqual([isTaskOpen(state), kinds, taskWakeAt(state)], [false, [], undefined]);
});

test("our ✅ removed from a claimed or done task is put back once for each time", () => {
  const gone = seen(5000);
  for (const before of [[posted, graced, claimed, started], toDone]) {
    const { kinds, effects } = given(...before, gone);
    assert.deepEqual(kinds, ["task-check"]);
    assert.deepEqual(effects[0]?.body, { type: "task-check", task: "task-7", wanted: true });
    assert.deepEqual(given(...before, gone, gone).events, []);
    const put: TaskInput = { type: "checked", at: 5100 };
    assert.deepEqual(given(...before, gone, put, { ...gone, at: 6000 }).kinds, ["task-check"]);
    assert.deepEqual(given(...before, gone, put, put).events, []);
  }
});

test("a message that is deleted withdraws its task and cancels what runs", () => {
  const deleted: TaskInput = { type: "deleted", at: 5000 };
  assert.equal(given(posted, deleted).state.status, "withdrawn");
  const turn: TaskInput = { type: "unclaimed", at: 6000, try: 1 };
  assert.deepEqual(given(posted, graced, deleted, turn).slots, [{ attempt: 1, until: "free" }]);
  assert.deepEqual(given(posted, graced, deleted, turn).events, []);
  const running = given(posted, graced, claimed, deleted);
  assert.equal(running.state.status, "withdrawn");
  assert.deepEqual(running.effects[0]?.body, {
    type: "cancel-child",
    child: CHILD.id,
    kind: "delegation",
    reason: "its message was deleted",
  });
  assert.equal(running.state.tries[0]?.outcome?.childStatus, "canceled");
  const done = given(...toDone, deleted);
  assert.deepEqual([done.state.status, done.state.deletedAt], ["done", 5000]);
  assert.deepEqual(given(posted, deleted, deleted).events, []);
  assert.deepEqual(given(posted, deleted, seen(6000)).events, []);
  assert.deepEqual(task.decide(undefined, deleted), []);
});

test("withdrawing cancels what runs, and what began too late is canceled too", () => {
  const withdraw: TaskInput = { type: "withdraw", at: 3300, actor: OPERATOR, reason: "not needed" };
  assert.deepEqual(given(posted, graced, claimed, started, withdraw).kinds, ["cancel-child", "card"]);
  assert.deepEqual(given(...toDone, withdraw).events, []);
  const late = given(posted, graced, claimed, withdraw, started);
  assert.deepEqual([late.types, late.kinds], [["task.started-late"], ["cancel-child"]]);
  assert.deepEqual(given(posted, graced, claimed, withdraw, started, started).events, []);
  const canceled = ended({ status: "failed", childStatus: "canceled", at: 5000 });
  assert.deepEqual(given(posted, graced, claimed, started, withdraw, canceled).events, []);
});

test("a claim that comes when nobody wants it any more takes our ✅ away again", () => {
  const withdraw: TaskInput = { type: "withdraw", at: 3050, actor: OPERATOR, reason: "not needed" };
  const late = given(posted, graced, withdraw, claimed);
  assert.deepEqual(late.types, ["task.claimed-late"]);
  assert.deepEqual(late.effects[0]?.body, { type: "task-check", task: "task-7", wanted: false });
  assert.deepEqual(late.slots, [{ attempt: 1, until: "free" }]);
  assert.deepEqual(given(posted, graced, withdraw, claimed, claimed).events, []);
});

test("news of a claim that comes once more when its work is over keeps no place", () => {
  assert.deepEqual(given(...toDone, claimed).slots, [{ attempt: 1, until: "free" }]);
});

test("a lost claim stands back for good", () => {
  const lost: TaskInput = { type: "discord-lost", at: 3100, try: 1, by: "hq-other" };
  const { state, slots, kinds } = given(posted, graced, lost);
  assert.deepEqual([state.status, state.takenBy?.text], ["open", "hq-other"]);
  assert.equal(isTaskOpen(state), false);
  assert.deepEqual(slots, [{ attempt: 1, until: "free" }]);
  assert.deepEqual(kinds, []);
  for (const later of [
    seen(5000, { checks: OURS }),
    seen(5000, { checks: BY_ADA }),
    { type: "wake", at: 9000 },
  ] as const)
    assert.deepEqual(given(posted, graced, lost, later).events, []);
  assert.deepEqual(given(posted, lost).events, []);
});

test("what cannot be begun fails with its reason, as an answer to the message", () => {
  const refused: TaskInput = { type: "child-refused", at: 3200, try: 1, text: "webster is gone" };
  const { state, effects } = given(posted, graced, claimed, refused);
  assert.deepEqual([state.status, state.tries[0]?.outcome?.childStatus], ["failed", "refused"]);
  const post = effects.find(({ body }) => body.type === "post")?.body;
  assert.ok(post?.type === "post");
  assert.match(post.delivery.text ?? "", /Not begun: webster is gone/);
  assert.deepEqual(given(posted, graced, claimed, refused, refused).events, []);
});

test("run again is one more try with a child of its own", () => {
  const again: TaskInput = { type: "run-again", at: 6000, actor: OPERATOR, words: LEAD };
  const { state, types, effects } = given(...toDone, again);
  assert.deepEqual(types, ["task.again", "task.claiming"]);
  assert.deepEqual(effects.at(-1)?.slot, { lane: "tasks:agent:tech-lead", attempt: 2 });
  assert.equal(state.status, "open");
  const second = given(...toDone, again, { type: "discord-claimed", at: 6100, try: 2 });
  assert.deepEqual(taskChildIn(second.state), { id: "task-7.d2", kind: "delegation" });
  assert.equal(second.state.tries.length, 2);
  const first = ended({ childStatus: "partial", at: 7000 });
  assert.deepEqual(step(second.state, first).events, []);
  assert.deepEqual(given(...toDone, again, again).events, []);
  assert.deepEqual(given(posted, again).events, []);
  assert.deepEqual(given(...toDone, { type: "deleted", at: 5000 }, again).events, []);
  assert.deepEqual(given(posted, seen(2000, { checks: BY_ADA }), again).events, []);
});

test("run again means something for what nobody mended, and for what was done before a person handled it", () => {
  const again: TaskInput = { type: "run-again", at: 90_000_000_000, actor: OPERATOR, words: LEAD };
  const refused = [seen(POSTED_AT + 100, { words: WRONG }), graced] as const;
  const forgotten: TaskInput = { type: "wake", at: 3000 + 86_400_000 };
  assert.deepEqual(given(...refused, forgotten, again).types, ["task.again", "task.claiming"]);
  const second: TaskInput = { type: "run-again", at: 6000, actor: OPERATOR, words: LEAD };
  const handled: TaskInput = { type: "discord-handled", at: 6100, try: 2, user: "8" };
  assert.deepEqual(given(...toDone, second, handled, again).types, ["task.again", "task.claiming"]);
});

test("an edit of a done task is done only when somebody runs it again", () => {
  const edit = seen(6000, { editedAt: 5900, checks: OURS, task: { text: "Find the CTE of ULE" } });
  const { state, types } = given(...toDone, edit);
  assert.deepEqual([types, state.status, state.task.text], [["task.edited"], "done", "Find the CTE of ULE"]);
});

test("a run that was taken up again after its end has another end", () => {
  const failed = ended({ status: "failed", childStatus: "failed" });
  const later = ended({ at: 9000, childStatus: "partial" });
  assert.equal(given(posted, graced, claimed, started, failed, later).state.status, "done");
  assert.deepEqual(given(posted, graced, claimed, started, failed, later, later).events, []);
});

test("stopping everything ends what was claimed as failed and leaves what is open", () => {
  const stop: TaskInput = { type: "stop", at: 3300, actor: OPERATOR, reason: "stopped" };
  const { state, slots } = given(posted, graced, claimed, started, stop);
  assert.deepEqual([state.status, state.tries[0]?.outcome?.reason], ["failed", "stopped"]);
  assert.deepEqual(slots, [{ attempt: 1, until: "free" }]);
  const canceled = ended({ status: "failed", childStatus: "canceled", at: 5000, reason: "canceled" });
  assert.deepEqual(given(posted, graced, claimed, started, stop, canceled).events, []);
  assert.deepEqual(given(posted, graced, stop).events, []);
});

test("files count by name: links to them change with each look, and other doors post texts as files", () => {
  const file = (url: string) => ({ name: "a.txt", url, bytes: 3 });
  const first = seen(POSTED_AT, { task: { attachments: [file("https://x/1")] } });
  const same = seen(2000, { task: { attachments: [file("https://x/2")] } });
  assert.deepEqual(given(first, same).events, []);
  assert.deepEqual(given(first, seen(2000)).types, ["task.edited"]);
  const own = { actor: OPERATOR };
  const read = seen(2000, { task: { ...own, attachments: [file("https://x/1")] } });
  assert.deepEqual(given(seen(POSTED_AT, { task: own }), read).events, []);
});

test("the child of a try is named by who does it", () => {
  const ids = (["agent", "worker", "workflow"] as const).map((kind) => taskChildOf("task-7", 2, { kind }));
  assert.deepEqual(ids, [
    { id: "task-7.d2", kind: "delegation" },
    { id: "task-7.w2", kind: "worker" },
    { id: "task-7.r2", kind: "run" },
  ]);
});

test("nothing is folded or decided before the task was seen", () => {
  assert.throws(() => task.evolve(undefined, { type: "task.checked", at: 1 }), /before task.seen/);
  assert.deepEqual(task.decide(undefined, graced), []);
  assert.equal(given(posted, { type: "wake", at: 1100 }).events.length, 0);
  assert.deepEqual(WEBSTER.plan?.executor, { kind: "agent", agent: "webster" });
});
