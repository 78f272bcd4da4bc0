import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Choice,
  type Command,
  type CommandContext,
  type Deed,
  option,
} from "../src/discord/command.ts";
import { taskDetails, taskHeadline, taskLine, taskSuggestion } from "../src/discord/render-task.ts";
import { TASK_STATUSES } from "../src/domain/task-types.ts";
import type { TaskView } from "../src/engine/task-verbs.ts";

const MOST_SHOWN = 10;
const MOST_LOOKED_AT = 100;

async function list(asked: Asked, { verbs, channels }: CommandContext): Promise<Answer> {
  const status = option(asked, "status", "string");
  const page = await verbs.tasks.tasks(
    status ? { status: [status], limit: MOST_LOOKED_AT } : { open: true, limit: MOST_LOOKED_AT },
  );
  const count = page.next ? `more than ${page.items.length}` : String(page.items.length);
  const more = page.items.length - MOST_SHOWN;
  const queue = channels.forRole("taskQueue");
  const how = queue ? `Write a task in <#${queue.id}>; ✅ says that it was taken.` : "";
  return {
    text: [
      `**${count} ${status ?? "open"}**`,
      ...page.items.slice(0, MOST_SHOWN).map(taskLine),
      ...(more > 0 ? [`-# and ${more} more; \`/queue show\` shows one`] : []),
      ...(page.items.length === 0 && how ? [how] : []),
    ].join("\n"),
    outcome: "shown",
  };
}

async function show(given: string, { verbs, guildId }: CommandContext): Promise<Answer> {
  const id = taskId(given);
  const [view, receipts] = await Promise.all([verbs.tasks.task(id), verbs.receipts(id)]);
  const messages = receipts
    .slice(0, 8)
    .map(
      ({ delivery, channel, message }) =>
        `- ${delivery.split("/").at(-1) ?? delivery}: https://discord.com/channels/${guildId}/${channel}/${message}`,
    );
  const posted = messages.length > 0 ? ["Messages:", ...messages] : [];
  return {
    text: [taskDetails(view, guildId), ...posted].join("\n"),
    outcome: "shown",
    file: { name: "task.txt", bytes: Buffer.from(view.task.text, "utf8") },
  };
}

async function withdraw(given: string, reason: string | undefined, context: CommandContext): Promise<Answer> {
  const { verbs, actor } = context;
  const view = await verbs.tasks.withdraw(actor, taskId(given), reason);
  return {
    text: `Withdrew the task; what worked on it is stopped.\n-# ${view.id} · ${taskHeadline(view)}`,
    outcome: `withdrew ${view.id}`,
  };
}

async function again(given: string, { verbs, actor }: CommandContext, { takenAt }: Asked): Promise<Answer> {
  const id = taskId(given);
  // What whoever took the command had run again is not run again once more.
  const isDone =
    takenAt !== undefined &&
    (await verbs.history(id)).some(({ type, at }) => type === "task.again" && at >= takenAt);
  const view = isDone ? await verbs.tasks.task(id) : await verbs.tasks.runAgain(actor, id);
  return {
    text: `It is done once more: time ${view.tries.length + (view.status === "open" ? 1 : 0)}.\n-# ${view.id}`,
    outcome: `again ${view.id}`,
  };
}

/** People may give the message's id, or its address, as well. */
function taskId(given: string): string {
  const bare = given.trim();
  const message = /^(?:https?:\/\/\S+\/)?(\d{17,20})$/.exec(bare)?.[1];
  return message === undefined ? bare : `task-${message}`;
}

async function suggest(
  typed: string,
  fits: (view: TaskView) => boolean,
  { verbs }: CommandContext,
): Promise<readonly Choice[]> {
  const { items } = await verbs.tasks.tasks({ limit: MOST_LOOKED_AT });
  const wanted = typed.trim().toLowerCase();
  return items
    .filter(fits)
    .map(taskSuggestion)
    .filter(({ name, value }) => `${value} ${name}`.toLowerCase().includes(wanted));
}

const isOver = ({ status }: TaskView) => status !== "open" && status !== "claimed";

const WHICH = {
  name: "task",
  type: ApplicationCommandOptionType.String as const,
  description: "Which task: its id, or its message's id or link",
  required: true,
  autocomplete: true,
  max_length: 200,
};

const onTask =
  (work: (task: string, context: CommandContext, asked: Asked) => Promise<Answer>): Deed["execute"] =>
  (asked, context) =>
    work(option(asked, "task", "string") ?? asked.subject ?? "", context, asked);

export default {
  data: {
    name: "queue",
    type: ApplicationCommandType.ChatInput,
    description: "Tasks that were written into the queue's channel",
    options: [
      {
        name: "list",
        type: ApplicationCommandOptionType.Subcommand,
        description: "What waits and what is being done",
        options: [
          {
            name: "status",
            type: ApplicationCommandOptionType.String,
            description: "Only these; without it what is open or claimed",
            choices: TASK_STATUSES.map((value) => ({ name: value, value })),
          },
        ],
      },
      {
        name: "show",
        type: ApplicationCommandOptionType.Subcommand,
        description: "Everything about one task",
        options: [WHICH],
      },
      {
        name: "withdraw",
        type: ApplicationCommandOptionType.Subcommand,
        description: "Take a task out, and stop what works on it",
        options: [
          WHICH,
          {
            name: "reason",
            type: ApplicationCommandOptionType.String,
            description: "Why, for the history",
            max_length: 200,
          },
        ],
      },
      {
        name: "run-again",
        type: ApplicationCommandOptionType.Subcommand,
        description: "Do a task once more that is over",
        options: [WHICH],
      },
    ],
  },
  subcommands: {
    list: { execute: list, reads: true },
    show: { execute: onTask(show), reads: true },
    withdraw: {
      execute: (asked, context) =>
        withdraw(option(asked, "task", "string") ?? "", option(asked, "reason", "string"), context),
    },
    "run-again": { execute: onTask(again) },
  },
  autocomplete({ value, subcommand }, context) {
    const fits: Readonly<Record<string, (view: TaskView) => boolean>> = {
      withdraw: (view) => !isOver(view),
      "run-again": isOver,
    };
    return suggest(value, (subcommand === undefined ? undefined : fits[subcommand]) ?? (() => true), context);
  },
  presses: {
    "queue-cancel": { execute: (asked, context) => withdraw(asked.subject ?? "", undefined, context) },
    "queue-again": { execute: onTask(again) },
    "queue-show": { execute: onTask(show), reads: true },
  },
} satisfies Command;
