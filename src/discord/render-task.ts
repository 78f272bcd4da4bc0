import { type APIComponentInContainer, ButtonStyle, ComponentType } from "discord.js";
import { actorName } from "../domain/actor.ts";
import type { Executor, TaskStatus, TaskTry } from "../domain/task-types.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { cut } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { customId } from "./custom-id.ts";
import { AMBER, BLUE, GREEN, GREY, type Look, RED, relative } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Payload, text } from "./payload.ts";
import { type CardPlace, cardDelivery } from "./render-card.ts";
import { asCode, asLine } from "./sanitize.ts";

const HOLDER = /\bclaimed by (hq-[0-9a-z]+)\b/;

const TASK_LOOKS: Readonly<Record<TaskStatus, Look>> = {
  open: { symbol: "⚪", colour: GREY, word: "open" },
  claimed: { symbol: "🔵", colour: BLUE, word: "running" },
  done: { symbol: "✅", colour: GREEN, word: "done" },
  failed: { symbol: "❌", colour: RED, word: "failed" },
  withdrawn: { symbol: "🚫", colour: GREY, word: "withdrawn" },
};

/** How a task looks; one that ended with less than everything says so. */
export function taskLook(view: Pick<TaskView, "status" | "tries" | "refused" | "takenBy">): Look {
  const childStatus = view.tries.at(-1)?.outcome?.childStatus;
  if (view.status === "done" && childStatus === "partial")
    return { symbol: "🟡", colour: AMBER, word: "partly done" };
  if (view.status === "failed" && childStatus !== undefined && Object.hasOwn(FAILED, childStatus))
    return { ...TASK_LOOKS.failed, word: FAILED[childStatus] ?? TASK_LOOKS.failed.word };
  if (view.status === "open" && view.refused) return { symbol: "⚠️", colour: AMBER, word: "to be mended" };
  if (view.status === "open" && view.takenBy)
    return { symbol: "↪️", colour: GREY, word: "with another supervisor" };
  return TASK_LOOKS[view.status];
}

const FAILED: Readonly<Record<string, string>> = {
  blocked: "blocked",
  timed_out: "timed out",
  canceled: "canceled",
  lost: "lost",
};

/** `webster`, `worker · kimi-k2.5`, `workflow quick-research`. */
function executorName(executor: Executor): string {
  switch (executor.kind) {
    case "agent":
      return executor.agent;
    case "worker":
      return `worker · ${modelName(executor.model)}`;
    case "workflow":
      return `workflow ${executor.workflow}`;
  }
}

/** Without the provider's way to it. */
export function modelName(model: string): string {
  return model.split("/").at(-1) ?? model;
}

/** `webster · done in 4m 12s`, `worker · kimi-k2.5 · running`. */
export function taskHeadline(view: TaskView): string {
  const last = view.tries.at(-1);
  const who = last ? asLine(executorName(last.executor)) : "task";
  const { word } = taskLook(view);
  const took = last?.outcome ? formatDuration(last.outcome.at - last.claimedAt) : undefined;
  if (took === undefined) return `${who} · ${word}`;
  return `${who} · ${word} ${view.status === "done" ? "in" : "after"} ${took}`;
}

export type TaskCardPlace = CardPlace & {
  /** The supervisor that has the claim. */
  readonly holder: string;
  /** Posted to take the claim: what follows is that it runs. */
  readonly isClaiming?: boolean;
};

/** The supervisor that a card's last text names. */
export function holderOf(words: string): string | undefined {
  return HOLDER.exec(words.trimEnd().split("\n").at(-1) ?? "")?.[1];
}

/** The card of a task, below its message: who works on it, by what, since when. It is the claim on Discord as well. */
export function renderTaskCard(view: TaskView, place: TaskCardPlace): Payload {
  const claimed = place.isClaiming && view.status === "open" ? view.plan : undefined;
  const look = claimed ? TASK_LOOKS.claimed : taskLook(view);
  const headline = claimed ? `${asLine(executorName(claimed.executor))} · claimed` : taskHeadline(view);
  const told = claimed ? [factsOf(claimed)] : progress(view, place);
  const small = place.movedTo ? [`continued in ${place.movedTo}`] : told;
  const footer = `asked by ${cut(asLine(actorName(view.task.actor)), 80)} · claimed by ${place.holder} · ${markOf(cardDelivery(view.id), place.part)}`;
  const body = [
    `### ${headline}`,
    cut(asLine(view.objective), 300),
    ...[...small, footer].map((line) => `-# ${line}`),
  ].join("\n");
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: look.colour,
        components: [text(body), ...(place.movedTo ? [] : [taskButtons(view)])],
      },
    ],
    files: [],
  };
}

function progress(view: TaskView, { results }: CardPlace): readonly string[] {
  const last = view.tries.at(-1);
  if (!last) return view.withdrawn ? [cut(asLine(view.withdrawn.reason), 300)] : [];
  const facts = [factsOf(last), ...(last.number > 1 ? [`time ${last.number}`] : [])];
  if (!last.outcome) return [[...facts, `since ${relative(last.claimedAt)}`].join(" · ")];
  const where = results && view.status !== "withdrawn" ? ` · result in <#${results}>` : "";
  return [
    ...(last.outcome.reason ? [cut(asLine(last.outcome.reason), 300)] : []),
    `${facts.join(" · ")} · finished ${relative(last.outcome.at)}${where}`,
  ];
}

/** Who, by what model, thinking how much. */
function factsOf({ executor, child }: Pick<TaskTry, "executor" | "child">): string {
  const made = child === undefined ? [] : [asCode(child)];
  switch (executor.kind) {
    case "agent":
      return [
        `agent ${asLine(executor.agent)}`,
        ...(executor.model === undefined ? [] : [`model ${asCode(executor.model)}`]),
        ...(executor.thinking === undefined ? [] : [`thinking ${executor.thinking}`]),
        ...made,
      ].join(" · ");
    case "workflow":
      return [`workflow ${asLine(executor.workflow)}`, ...made].join(" · ");
    case "worker":
      return [
        `worker ${asLine(executor.worker)}`,
        `model ${asCode(executor.model)}`,
        `thinking ${executor.thinking}`,
        ...made,
      ].join(" · ");
  }
}

/** What makes sense now: Cancel while it is on its way, Run again once it is over. */
export function taskButtons(view: Pick<TaskView, "id" | "status">): APIComponentInContainer {
  const isOver = view.status !== "open" && view.status !== "claimed";
  const button = (
    label: string,
    style: ButtonStyle.Danger | ButtonStyle.Primary | ButtonStyle.Secondary,
  ) => ({
    type: ComponentType.Button as const,
    style,
    label,
    custom_id: customId(ACTIONS[label] ?? "", view.id),
  });
  return {
    type: ComponentType.ActionRow,
    components: [
      isOver ? button("Run again", ButtonStyle.Primary) : button("Cancel", ButtonStyle.Danger),
      button("Show", ButtonStyle.Secondary),
    ],
  };
}

const ACTIONS: Readonly<Record<string, string>> = {
  Cancel: "queue-cancel",
  "Run again": "queue-again",
  Show: "queue-show",
};

/** One line of a list. */
export function taskLine(view: TaskView): string {
  const last = view.tries.at(-1);
  const since = last?.outcome?.at ?? last?.claimedAt ?? view.task.postedAt;
  return `${taskLook(view).symbol} **${taskHeadline(view)}** · ${cut(asLine(view.objective), 80)} · ${relative(since)}\n-# ${view.id}`;
}

/** `webster · running · Compare…`, for suggestions of ids. */
export function taskSuggestion(view: TaskView): { readonly name: string; readonly value: string } {
  return { name: cut(`${taskHeadline(view)} · ${view.objective.replace(/\s+/g, " ")}`, 100), value: view.id };
}

/** Everything about a task that a person may want to know, for their eyes only. */
export function taskDetails(view: TaskView, guildId: string): string {
  const { task, tags } = view;
  const message = `https://discord.com/channels/${guildId}/${task.place.channel}/${task.place.message}`;
  const said = Object.entries(tags).map(([name, value]) =>
    name === "timeoutMs" ? `timeout ${formatDuration(Number(value))}` : `${name} ${asLine(String(value))}`,
  );
  return [
    `${taskLook(view).symbol} **${taskHeadline(view)}**`,
    cut(asLine(view.objective), 600),
    `-# ${view.id} · asked by ${asLine(actorName(task.actor))} ${relative(task.postedAt)} · ${message}`,
    ...(said.length > 0 ? [`Tags: ${said.join(" · ")}`] : []),
    ...(task.attachments.length > 0
      ? [
          `Files: ${task.attachments
            .slice(0, 10)
            .map(({ name }) => asCode(cut(name, 80)))
            .join(", ")}`,
        ]
      : []),
    ...(view.refused ? [`Not begun: ${cut(asLine(view.refused.text), 500)}`] : []),
    ...(view.takenBy ? [`Not ours: ${cut(asLine(view.takenBy.text), 300)}`] : []),
    ...(view.withdrawn
      ? [`Withdrawn ${relative(view.withdrawn.at)}: ${cut(asLine(view.withdrawn.reason), 300)}`]
      : []),
    ...(view.handledBy ? [`Handled by <@${view.handledBy.user}> ${relative(view.handledBy.at)}`] : []),
    ...(view.deletedAt === undefined ? [] : [`Its message was deleted ${relative(view.deletedAt)}`]),
    ...view.tries.slice(-5).map(tryLine),
  ].join("\n");
}

function tryLine(one: TaskTry): string {
  const end = one.outcome
    ? `${one.outcome.childStatus.replaceAll("_", " ")} after ${formatDuration(one.outcome.at - one.claimedAt)}${one.outcome.reason ? `: ${cut(asLine(one.outcome.reason), 200)}` : ""}`
    : `since ${relative(one.claimedAt)}`;
  return `- time ${one.number}: ${factsOf(one)} · ${end}`;
}
