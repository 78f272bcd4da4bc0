import type { Problem } from "../kernel/refusal.ts";
import { nearest, oneLine } from "../kernel/text.ts";
import { formatDuration, parseDuration } from "../kernel/time.ts";
import type { Registry } from "./agent-card.ts";
import { findModel, type TaskQueueSettings } from "./task-settings.ts";
import { type TaskTags, THINKING_LEVELS } from "./task-types.ts";

/** What tags may name. */
export type KnownNames = {
  readonly models: Pick<TaskQueueSettings, "models" | "modelPrefixes">;
  readonly workers: readonly string[];
  readonly agents: Registry;
  readonly workflows: readonly string[];
};

export type ParsedTask = {
  /** What is to be done, without tags, bold marks and the `[Task: id]` prefix; empty = this is no task. */
  readonly objective: string;
  readonly tags: TaskTags;
  readonly problems: readonly Problem[];
};

const KINDS = ["model", "thinking", "worker", "agent", "timeout", "workflow"] as const;
type TagKind = (typeof KINDS)[number];
type Read = { readonly tags: TaskTags } | { readonly problem: string };

const TAG = /\[[ \t]*(model|thinking|worker|agent|timeout|workflow)[ \t]*:([^\][\n]*)\]/gi;
const TAGS = new RegExp(`[ \\t]*(?:${TAG.source}[ \\t]*)+`, "gi");
const BOLD = /\*\*(?=\S)([\s\S]*?\S)\*\*/g;
const TASK_PREFIX = /^\s*\[[ \t]*task[ \t]*:[^\][\n]*\]\s*/i;
/** Code stays as it is: what looks like a tag or like bold text in it is neither. */
const CODE = /```[\s\S]*?```|`[^`\n]+`/g;
const SHORTEST_TIMEOUT_MS = 1000;
const LONGEST_TIMEOUT_MS = 48 * 3_600_000;

/**
 * Reads a message of the queue. Tags stand anywhere, in any case, and the first of each kind counts; a value that the
 * configuration does not know is a problem that names the right ones. Line breaks, pipes, quotes and code stay.
 */
export function parseTask(
  text: string,
  known: KnownNames,
  attachments: readonly { readonly name: string }[] = [],
): ParsedTask {
  const found = new Map<TagKind, string>();
  const objective = outsideCode(text, (plain) =>
    withoutTags(plain, found).replace(BOLD, "$1").replace(TASK_PREFIX, ""),
  ).trim();
  const problems: Problem[] = [];
  let tags: TaskTags = {};
  for (const [kind, value] of found) {
    const read = readTag(kind, value, known);
    if ("tags" in read) tags = { ...tags, ...read.tags };
    else problems.push({ path: kind, message: read.problem });
  }
  problems.push(...conflictsIn(found));
  if (objective !== "") return { objective, tags, problems };
  if (attachments.length > 0) return { objective: seeTheAttached(attachments), tags, problems };
  if (found.size > 0)
    problems.push({ path: "text", message: "says nothing beside its tags: say what is to be done" });
  return { objective, tags, problems };
}

/** Changes a text with each piece of code in it held out by a mark. */
function outsideCode(text: string, change: (plain: string) => string): string {
  const codes: string[] = [];
  const plain = text.replaceAll("\u0000", "").replace(CODE, (code) => `\u0000${codes.push(code) - 1}\u0000`);
  return change(plain).replace(/\u0000(\d+)\u0000/g, (_, index: string) => codes[Number(index)] ?? "");
}

/** Tags between words leave one space, others nothing. */
function withoutTags(text: string, found: Map<TagKind, string>): string {
  return text.replace(TAGS, (run: string, ...rest: unknown[]) => {
    for (const [, kind = "", value = ""] of run.matchAll(TAG)) {
      const name = kind.toLowerCase() as TagKind;
      if (!found.has(name)) found.set(name, value.trim());
    }
    const at = rest.find((one) => typeof one === "number") ?? 0;
    const isBetween = /[^\n]$/.test(text.slice(0, at)) && /^[^\n]/.test(text.slice(at + run.length));
    return isBetween ? " " : "";
  });
}

function seeTheAttached(attachments: readonly { readonly name: string }[]): string {
  const names = attachments.map(({ name }) => name).join(", ");
  return `See the attached ${attachments.length === 1 ? "file" : "files"}: ${names}`;
}

function readTag(kind: TagKind, value: string, known: KnownNames): Read {
  if (value === "") return { problem: `[${kind}:] names nothing; ${rightValues(kind, known)}` };
  const tags = tagsFor(kind, value, known);
  if (tags) return { tags };
  const near = nearest(value, wordsOf(kind, known));
  return {
    problem: `${NOUNS[kind]} "${oneLine(value, 60)}" is not known here; ${near ? `did you mean ${near}? ` : ""}${rightValues(kind, known)}`,
  };
}

const NOUNS: Readonly<Record<TagKind, string>> = {
  model: "the model",
  thinking: "the thinking level",
  worker: "the worker",
  agent: "the agent",
  timeout: "the time limit",
  workflow: "the workflow",
};

function tagsFor(kind: TagKind, value: string, known: KnownNames): TaskTags | undefined {
  switch (kind) {
    case "model": {
      const model = findModel(known.models, value)?.alias;
      return model === undefined ? undefined : { model };
    }
    case "thinking": {
      const thinking = sameWord(value, THINKING_LEVELS);
      return thinking && { thinking };
    }
    case "worker": {
      const worker = sameWord(value, known.workers);
      return worker === undefined ? undefined : { worker };
    }
    case "agent": {
      const agent = known.agents.find(value)?.id;
      return agent === undefined ? undefined : { agent };
    }
    case "timeout": {
      const timeoutMs = parseDuration(value);
      const isInRange =
        timeoutMs !== undefined && timeoutMs >= SHORTEST_TIMEOUT_MS && timeoutMs <= LONGEST_TIMEOUT_MS;
      return isInRange ? { timeoutMs } : undefined;
    }
    case "workflow": {
      const workflow = sameWord(value, known.workflows);
      return workflow === undefined ? undefined : { workflow };
    }
  }
}

function sameWord<T extends string>(value: string, words: readonly T[]): T | undefined {
  return (
    words.find((word) => word === value) ?? words.find((word) => word.toLowerCase() === value.toLowerCase())
  );
}

function wordsOf(kind: TagKind, { models, workers, agents, workflows }: KnownNames): readonly string[] {
  switch (kind) {
    case "model":
      return Object.keys(models.models);
    case "thinking":
      return THINKING_LEVELS;
    case "worker":
      return workers;
    case "agent":
      return agents.agents.map(({ id }) => id);
    case "workflow":
      return workflows;
    case "timeout":
      return [];
  }
}

function rightValues(kind: TagKind, known: KnownNames): string {
  if (kind === "timeout") {
    const range = `${formatDuration(SHORTEST_TIMEOUT_MS)} to ${formatDuration(LONGEST_TIMEOUT_MS)}`;
    return `it is written like 90 (seconds) or 5m, from ${range}`;
  }
  const words = wordsOf(kind, known);
  return words.length > 0 ? `there are: ${words.join(", ")}` : "there are none here";
}

/** Tags of which only one can hold. */
function conflictsIn(found: ReadonlyMap<TagKind, string>): readonly Problem[] {
  const who = (["agent", "worker", "workflow"] as const).filter((kind) => found.has(kind));
  const idle = found.has("workflow")
    ? (["model", "thinking", "timeout"] as const).filter((kind) => found.has(kind))
    : [];
  const several: Problem = {
    path: who.join(", "),
    message: "only one of [agent:], [worker:] and [workflow:] can do it: leave the others out",
  };
  return [
    ...(who.length > 1 ? [several] : []),
    ...idle.map((path) => ({
      path,
      message: `a workflow says for each of its steps itself what [${path}:] would say: leave that out`,
    })),
  ];
}
