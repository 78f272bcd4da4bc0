import { cut, oneLine } from "../kernel/text.ts";
import { valuesOf } from "../kernel/vector.ts";
import { actorName } from "./actor.ts";
import type { DelegationState } from "./delegation-types.ts";
import type { RunState } from "./run-types.ts";
import { type Asked, distinctWords, marksIn } from "./search-words.ts";
import { isTaskOpen, type TaskState } from "./task-types.ts";
import type { WorkState } from "./work-types.ts";
import type { WorkerState } from "./worker-types.ts";

export const SEARCHED_KINDS = ["delegation", "run", "task", "worker", "work"] as const;
export type SearchedKind = (typeof SEARCHED_KINDS)[number];

const LONGEST_TITLE = 160;
const LONGEST_EXCERPT = 240;
/** So much of an excerpt stands before the first word that was found. */
const BEFORE = 60;

/** What is known of something, as far as it is searched and shown in a list. */
export type Searched = {
  readonly kind: SearchedKind;
  readonly id: string;
  readonly status: string;
  readonly agent?: string;
  readonly title: string;
  readonly askedAt: number;
  readonly settledAt?: number;
  /** The most telling first: an excerpt is taken from the first one that holds a word. */
  readonly texts: readonly string[];
  /** Found by, but shown nowhere. */
  readonly names: readonly string[];
};

/** One line of what was found. `marks` are places in the excerpt, from and to. */
export type SearchHit = Pick<Searched, "kind" | "id" | "status" | "agent" | "title" | "settledAt"> & {
  readonly at: number;
  readonly excerpt: string;
  readonly marks: readonly (readonly [number, number])[];
};

/** Everything by which it is found. */
export function wordsOf(searched: Searched): readonly string[] {
  const { id, title, names, texts } = searched;
  return distinctWords([id, title, ...names, ...texts]);
}

export function hitOf(searched: Searched, asked: Asked): SearchHit {
  const { kind, id, status, agent, title, askedAt, settledAt, texts } = searched;
  const excerpt = excerptOf(texts, asked);
  return {
    kind,
    id,
    status,
    ...(agent === undefined ? {} : { agent }),
    title: oneLine(title, LONGEST_TITLE),
    excerpt,
    marks: marksIn(excerpt, asked),
    at: askedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
  };
}

/** The beginning of the first text in which a word stands, or of the last one: that is how it ended. */
function excerptOf(texts: readonly string[], asked: Asked): string {
  for (const text of texts) {
    const [first] = marksIn(text.slice(0, 20_000), asked);
    if (!first) continue;
    const from = first[0] <= BEFORE ? 0 : text.lastIndexOf(" ", first[0] - BEFORE / 2) + 1;
    const start = first[0] - from > LONGEST_EXCERPT / 2 ? first[0] : from;
    return oneLine(`${start > 0 ? "…" : ""}${cut(text.slice(start), LONGEST_EXCERPT)}`, LONGEST_EXCERPT);
  }
  return oneLine(cut(texts.at(-1) ?? "", LONGEST_EXCERPT), LONGEST_EXCERPT);
}

const said = (...texts: readonly (string | undefined)[]): readonly string[] =>
  texts.filter((text) => text !== undefined && text !== "") as readonly string[];

export function searchedDelegation(state: DelegationState): Searched {
  const { order, status, outcome } = state;
  const { handoff } = outcome ?? {};
  return {
    kind: "delegation",
    id: order.id,
    status,
    agent: order.agent,
    title: order.objective,
    askedAt: order.queuedAt,
    ...(outcome ? { settledAt: outcome.at } : {}),
    texts: said(order.objective, outcome?.reason, handoff?.notes, handoff?.result),
    names: said(
      order.agent,
      actorName(order.actor),
      order.capability,
      order.workflow?.run,
      order.workflow?.step,
      ...(handoff?.artifacts ?? []),
    ),
  };
}

export function searchedRun(state: RunState): Searched {
  const { order, status, outcome } = state;
  const { definition } = order;
  const inputs = Object.entries(order.inputs).map(([name, value]) => `${name}: ${textOf(value)}`);
  const agents = new Set<string>();
  for (const { agent } of valuesOf(state.steps)) if (agent !== undefined) agents.add(agent);
  return {
    kind: "run",
    id: order.id,
    status,
    title: definition.name,
    askedAt: order.startedAt,
    ...(outcome ? { settledAt: outcome.at } : {}),
    texts: said(inputs.join(" · "), outcome?.reason, outcome?.result),
    names: said(definition.description, actorName(order.actor), ...agents),
  };
}

export function searchedTask(state: TaskState): Searched {
  const { task, status, objective, tries } = state;
  const last = tries.at(-1);
  const settledAt = isTaskOpen(state) ? undefined : last?.outcome?.at;
  return {
    kind: "task",
    id: task.id,
    status,
    ...(last?.executor.kind === "agent" ? { agent: last.executor.agent } : {}),
    title: objective,
    askedAt: task.postedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    texts: said(objective, task.text, last?.outcome?.reason, last?.outcome?.summary),
    names: said(task.author.name, actorName(task.actor), ...tries.flatMap(({ child }) => child ?? [])),
  };
}

export function searchedWorker(state: WorkerState): Searched {
  const { work, status, outcome, settledAt } = state;
  return {
    kind: "worker",
    id: work.id,
    status,
    agent: work.worker,
    title: work.text,
    askedAt: work.queuedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    texts: said(work.text, outcome?.reason, outcome?.summary, outcome?.result),
    names: said(work.agent, work.worker, work.model, actorName(work.actor), ...(outcome?.files ?? [])),
  };
}

/** Undefined of what is only noted beside a step of a run. */
export function searchedWork(state: WorkState): Searched | undefined {
  const { order, slug, status, assignee, completedAt, failure, notes } = state;
  if (!order) return undefined;
  const noted = notes.map((note) =>
    Object.values(note)
      .filter((value) => typeof value === "string")
      .join(" "),
  );
  return {
    kind: "work",
    id: slug,
    status,
    ...(assignee === undefined ? {} : { agent: assignee }),
    title: order.title,
    askedAt: order.at,
    ...(completedAt === undefined ? {} : { settledAt: completedAt }),
    texts: said(order.goal ?? order.title, ...order.criteria, failure, ...noted),
    names: said(order.project, order.assignee, order.pipeline, actorName(order.maker)),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
