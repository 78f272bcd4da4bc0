import type { Actor } from "../domain/actor.ts";
import { callerOf } from "../domain/actor.ts";
import { canonicalJson, digestOf, newId, nonceOf } from "../kernel/id.ts";
import { isRefusal, type Problem, Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Crash, Log } from "./ports/log.ts";
import type { QueueChannel } from "./ports/queue-channel.ts";
import type { QueueVerbs, SubmitRequest } from "./queue-verbs.ts";
import type { TaskVerbs, TaskView } from "./task-verbs.ts";
import { untilOthers } from "./until-others.ts";

/** As much as Discord lets a person write. */
const LONGEST_TASK = 4000;
const PENDING = "submissions";
const LIST_LEASE_MS = 5000;
const LIST_AGAIN_MS = 20;
/** Longer than it takes until another supervisor leads. */
const BY_LEADER_MS = 20_000;

/** What is remembered of a submission; without a task it is not done yet. */
type Submission = {
  readonly digest: string;
  readonly nonce: string;
  readonly at: number;
  readonly actor: Actor;
  readonly text: string;
  /** Over how many bots it comes; absent = a person's own. */
  readonly hops?: number;
  readonly task?: string;
};

/** Left by the supervisor that was to post it, for the one that was asked. */
type Refused = { readonly refused: Pick<Refusal, "code" | "message" | "hint"> };

export type SubmissionDeps = {
  readonly tasks: Pick<TaskVerbs, "see" | "task">;
  readonly ledger: Pick<Ledger, "recall" | "remember" | "lease" | "members">;
  /** Throws `no_discord` while there is no connection. */
  readonly channel: () => Promise<QueueChannel>;
  /** Who posts instead of us, as a refusal; undefined where nobody does. */
  readonly elsewhere: () => Promise<Refusal | undefined>;
  /** What is wrong with the tags of a text. */
  readonly problemsIn: (text: string) => readonly Problem[];
  /** Why it may not be asked in this name; undefined = it may. */
  readonly refusalOf: (actor: Actor, text: string, hops: number) => Promise<string | undefined>;
  /** Over how many bots a task of this actor comes. */
  readonly hopsOf: (actor: Actor) => Promise<number>;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

/**
 * Tasks from doors that are not Discord are posted to the channel and then taken like any other message. What is to
 * be posted is remembered first, under the caller's key: after a crash, or when Discord's answer was lost, the same
 * message is found or posted, once, and taken.
 */
export function createSubmissions(deps: SubmissionDeps): Pick<QueueVerbs, "submit" | "finishSubmissions"> {
  const { tasks, ledger, now, log, crash } = deps;
  const inTurn = createTurns();

  function submit(actor: Actor, request: SubmitRequest) {
    const text = taggedText(request);
    const { key } = request;
    const name = key ? `submission ${key.scope} ${key.key}` : `submission ${newId("own", now())}`;
    return inTurn(name, () => submitOnce(name, actor, text));
  }

  async function submitOnce(name: string, actor: Actor, text: string) {
    const digest = digestOf(canonicalJson({ text, actor: callerOf(actor) }));
    const known = await recalled(name);
    if (known && known.digest !== digest) {
      throw new Refusal("key_reused", "That key was used before for another task.", {
        hint: "Send the same task again to read its answer, or use a new key for a new one.",
      });
    }
    if (known) return { task: await carryOut(name, known, true), repeated: true };
    refuseUnfit(text, deps.problemsIn(text));
    const hops = await deps.hopsOf(actor);
    const refusal = await deps.refusalOf(actor, text, hops);
    if (refusal !== undefined) {
      throw new Refusal("not_allowed", refusal, { hint: "`hq acl explain` shows the rules for agents." });
    }
    // Without a connection it is refused before anything is kept.
    if (!(await deps.elsewhere())) await deps.channel();
    const submission = {
      digest,
      nonce: nonceOf(name, 0),
      at: now(),
      actor,
      text,
      ...(hops > 0 ? { hops } : {}),
    };
    await keep(name, submission);
    crash("submission:kept");
    return { task: await carryOut(name, submission, false), repeated: false };
  }

  /** `again` = an earlier call may have posted it. */
  async function carryOut(name: string, submission: Submission, again: boolean): Promise<TaskView> {
    if (submission.task !== undefined) return tasks.task(submission.task);
    const { text, nonce, at, actor, hops = 0 } = submission;
    try {
      const led = await deps.elsewhere();
      if (led) return await byLeader(name, submission, led);
      const channel = await deps.channel();
      const posted = await channel.post(text, nonce, { hops, ...(again ? { since: at } : {}) });
      crash("submission:posted");
      const checks = { others: [], own: false };
      const task = await tasks.see({ ...posted, actor, text, attachments: [], hops, checks });
      if (!task) throw new Error(`the message of ${name} was not taken as a task`);
      await keep(name, { ...submission, task: task.id });
      return task;
    } catch (error) {
      throw await explained(name, error);
    }
  }

  /** Whoever leads posts what is kept; what came of it is in the ledger. */
  async function byLeader(name: string, submission: Submission, led: Refusal): Promise<TaskView> {
    if (!ledger.members) throw led;
    const look = async () => {
      const { task, refused } = await read(name);
      if (refused)
        throw new Refusal(refused.code, refused.message, refused.hint ? { hint: refused.hint } : {});
      if (task !== undefined) return tasks.task(task);
      // Who leads by now is connected in a moment.
      if ((await deps.elsewhere()) || !(await isConnected())) return undefined;
      return carryOut(name, submission, true);
    };
    const found = await untilOthers(ledger.members, look, BY_LEADER_MS);
    if (found) return found;
    throw led;
  }

  async function isConnected(): Promise<boolean> {
    try {
      await deps.channel();
      return true;
    } catch (thrown) {
      if (isRefusal(thrown) && thrown.code === "no_discord") return false;
      throw thrown;
    }
  }

  async function explained(name: string, error: unknown): Promise<unknown> {
    if (!isRefusal(error)) return error;
    if (error.code === "no_discord") {
      return new Refusal("no_discord", error.message, {
        hint: "The task is kept, and is posted once when Discord answers again. Asking again with the same key answers it.",
        cause: error,
      });
    }
    await forget(name);
    return error;
  }

  async function finishSubmissions(): Promise<void> {
    const names = await pending();
    if (names.length === 0 || (await deps.elsewhere())) return;
    for (const name of names) {
      try {
        await inTurn(name, async () => {
          const submission = await recalled(name);
          if (submission) await carryOut(name, submission, true);
        });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (error.code === "no_discord") return;
        const { code, message, hint } = error;
        await ledger.remember(name, JSON.stringify({ refused: { code, message, hint } } satisfies Refused));
        log.warn({ failure: error.message }, "a submitted task was refused after its caller had gone");
      }
    }
  }

  async function recalled(name: string): Promise<Submission | undefined> {
    const known = await read(name);
    return "digest" in known ? (known as Submission) : undefined;
  }

  async function read(name: string): Promise<Partial<Submission & Refused>> {
    const text = await ledger.recall(name);
    return text ? (JSON.parse(text) as Submission | Refused) : {};
  }

  async function keep(name: string, submission: Submission): Promise<void> {
    await ledger.remember(name, JSON.stringify(submission));
    await changePending((others) => (submission.task === undefined ? [...others, name] : others), name);
  }

  async function forget(name: string): Promise<void> {
    await ledger.remember(name, "");
    await changePending((others) => others, name);
  }

  async function pending(): Promise<readonly string[]> {
    const text = await ledger.recall(PENDING);
    return text ? (JSON.parse(text) as readonly string[]) : [];
  }

  /** One change after the other: the list is one memo. */
  function changePending(
    change: (others: readonly string[]) => readonly string[],
    name: string,
  ): Promise<void> {
    return inTurn(PENDING, async () => {
      const release = await alone(ledger);
      try {
        const others = (await pending()).filter((one) => one !== name);
        await ledger.remember(PENDING, JSON.stringify(change(others)));
      } finally {
        await release();
      }
    });
  }

  return { submit, finishSubmissions };
}

/** Where several share the ledger, one of them changes the list at a time. */
async function alone(ledger: Pick<Ledger, "lease" | "members">): Promise<() => Promise<unknown>> {
  if (!ledger.members) return async () => undefined;
  const holder = newId("turn", 0);
  while (!(await ledger.lease(PENDING, holder, LIST_LEASE_MS)))
    await new Promise((resolve) => setTimeout(resolve, LIST_AGAIN_MS));
  return () => ledger.lease(PENDING, holder, 0);
}

/** Work under one name happens one after the other. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (last.get(name) ?? Promise.resolve()).then(work, work);
    last.set(name, turn);
    const end = () => {
      if (last.get(name) === turn) last.delete(name);
    };
    turn.then(end, end);
    return turn;
  };
}

/** The text with what was said beside it as tags, as a person would have written them. */
export function taggedText(request: SubmitRequest): string {
  const { text, model, thinking, agent, worker, workflow, timeoutMs } = request;
  const timeout = timeoutMs === undefined ? undefined : `${Math.max(1, Math.round(timeoutMs / 1000))}`;
  const said = Object.entries({ model, thinking, agent, worker, workflow, timeout });
  refuseTwice(text, said);
  const tags = said.flatMap(([kind, value]) => (value === undefined ? [] : [`[${kind}:${value}]`]));
  return [text.trim(), ...tags].join(" ");
}

/** The first tag of a kind wins, so one in the text would silently beat what is said beside it. */
function refuseTwice(text: string, said: readonly (readonly [string, string | undefined])[]): void {
  // In code nothing is a tag.
  const plain = text.replaceAll(/```[\s\S]*?```|`[^`\n]+`/g, "");
  const problems = said.flatMap(([kind, value]) => {
    const inText =
      value === undefined ? null : new RegExp(`\\[[ \\t]*${kind}[ \\t]*:[^\\][\\n]*\\]`, "i").exec(plain);
    return inText ? [{ path: kind, message: `the text says ${inText[0]} already; say it in one place` }] : [];
  });
  const first = problems[0];
  if (first) throw new Refusal("invalid_input", `${first.path}: ${first.message}`, { problems });
}

function refuseUnfit(text: string, problems: readonly Problem[]): void {
  if (text.length > LONGEST_TASK) {
    throw new Refusal(
      "too_large",
      `The task has ${text.length} characters with its tags; ${LONGEST_TASK} is the most.`,
      { hint: "Put the rest into a file and attach it in Discord, or ask an agent: hq delegate --context." },
    );
  }
  const first = problems[0];
  if (!first) return;
  const where = first.path ? `${first.path}: ` : "";
  throw new Refusal("invalid_input", cut(`${where}${first.message}`, 500), { problems });
}
