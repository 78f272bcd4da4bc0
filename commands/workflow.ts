import {
  type APIApplicationCommandStringOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
} from "discord.js";
import { adjustDeed, adjustedDeed } from "../src/discord/adjust-run.ts";
import {
  type Answer,
  type Asked,
  type Choice,
  type Command,
  type CommandContext,
  type Deed,
  type Focused,
  option,
} from "../src/discord/command.ts";
import { parseRunSubject } from "../src/discord/custom-id.ts";
import { approveDeed, decideCommand, rejectDeed, rejectedDeed } from "../src/discord/decide-gate.ts";
import { acceptProposalsDeed, dismissProposalsDeed } from "../src/discord/decide-proposals.ts";
import { restartDeed } from "../src/discord/restart-run.ts";
import {
  listAnswer,
  retriedAnswer,
  runDetails,
  runLine,
  runSuggestion,
  workflowAnswer,
} from "../src/discord/run-answers.ts";
import { fillDeed, inputsDeed, runDeed } from "../src/discord/start-workflow.ts";
import { isRunSettled } from "../src/domain/run-types.ts";
import type { RunView, StepView } from "../src/domain/run-view.ts";
import { cut } from "../src/kernel/text.ts";

const MOST_SHOWN = 8;
const MOST_LOOKED_AT = 100;

const runIn = (asked: Asked) => (option(asked, "run", "string") ?? "").trim();

async function details(run: string, { verbs, guildId }: CommandContext): Promise<Answer> {
  const view = await verbs.runs.run(run);
  return runDetails(view, { receipts: await verbs.receipts(run), events: await verbs.history(run), guildId });
}

async function status(asked: Asked, context: CommandContext): Promise<Answer> {
  const run = runIn(asked);
  if (run) return details(run, context);
  const { runs } = context.verbs;
  const open = await runs.runs({ open: true, limit: MOST_LOOKED_AT });
  const shown = open.items.length > 0 ? open.items : (await runs.runs({ limit: 3 })).items;
  const count = open.next ? `more than ${open.items.length}` : String(open.items.length);
  const more = shown.length - MOST_SHOWN;
  return {
    text: [
      `**${count} open**${open.items.length === 0 && shown.length > 0 ? "; the latest:" : ""}`,
      ...shown.slice(0, MOST_SHOWN).map(runLine),
      ...(more > 0 ? [`-# and ${more} more; \`/workflow status\` with an id shows one`] : []),
    ].join("\n"),
    outcome: "shown",
  };
}

async function cancel(run: string, { verbs, actor }: CommandContext, reason?: string): Promise<Answer> {
  const view = await verbs.runs.cancelRun(actor, run, reason);
  return {
    text: `Canceled **${view.workflow}**; what runs is stopped, nothing new begins.\n-# ${view.id}`,
    outcome: `canceled ${view.id}`,
  };
}

async function retry(asked: Asked, context: CommandContext): Promise<Answer> {
  const run = runIn(asked);
  const step = option(asked, "step", "string")?.trim();
  const seen = asked.takenAt === undefined ? {} : await seenAt(asked.takenAt, run, context);
  const view = await context.verbs.runs.retryRun(context.actor, run, { ...(step ? { step } : {}), ...seen });
  return retriedAnswer(view);
}

/** The run as it was then: what whoever began the command had retried is not retried once more. */
async function seenAt(at: number, run: string, { verbs }: CommandContext): Promise<{ resumes: number }> {
  const { resumes } = await verbs.runs.run(run);
  const later = (await verbs.history(run)).filter((event) => event.type === "run.resumed" && event.at >= at);
  return { resumes: resumes - later.length };
}

/** Retry failed: of the run as the message shows it. */
const retryDeed: Deed = {
  async execute(asked, { verbs, actor }) {
    const { run, ...seen } = parseRunSubject(asked.subject ?? "");
    return retriedAnswer(await verbs.runs.retryRun(actor, run, seen));
  },
};

const acceptDeed: Deed = {
  async execute(asked, { verbs, actor }) {
    const view = await verbs.runs.acceptPartial(actor, asked.subject ?? "");
    return {
      text: `**${view.workflow}** ends with what there is; its result says what is missing.\n-# ${view.id}`,
      outcome: `accepted ${view.id}`,
    };
  },
};

const isWaiting = ({ status, gate }: StepView) => status === "waiting" && gate?.status === "open";
const isFailed = ({ status, items }: StepView) => status === "failed" || (items?.failed ?? 0) > 0;

/** Which runs a subcommand can do something with. */
const FITTING: Readonly<Record<string, (view: RunView) => boolean>> = {
  cancel: ({ status }) => !isRunSettled(status),
  retry: ({ steps }) => steps.some(isFailed),
  approve: ({ steps }) => steps.some(isWaiting),
  reject: ({ steps }) => steps.some(isWaiting),
};
const OPEN_ONLY: ReadonlySet<string> = new Set(["cancel", "approve", "reject"]);

async function autocomplete(focused: Focused, { verbs }: CommandContext): Promise<readonly Choice[]> {
  const wanted = focused.value.trim().toLowerCase();
  const { subcommand = "", options } = focused;
  if (focused.name === "name") return workflowChoices(wanted, verbs.runs.workflows());
  if (focused.name === "step") {
    const run = options["run"];
    if (typeof run !== "string" || !run) return [];
    const { steps } = await verbs.runs.run(run);
    const fits = subcommand === "retry" ? isFailed : isWaiting;
    return steps
      .filter((step) => fits(step) && step.id.includes(wanted))
      .map(({ id, status, reason }) => ({ name: `${id} · ${reason ?? status}`, value: id }));
  }
  const isOpen = OPEN_ONLY.has(subcommand);
  const { items } = await verbs.runs.runs({ limit: MOST_LOOKED_AT, ...(isOpen ? { open: true } : {}) });
  const fits = FITTING[subcommand] ?? (() => true);
  return items
    .filter(
      (view) => fits(view) && `${view.id} ${view.workflow} ${view.asker}`.toLowerCase().includes(wanted),
    )
    .map(runSuggestion);
}

function workflowChoices(
  wanted: string,
  entries: ReturnType<CommandContext["verbs"]["runs"]["workflows"]>,
): readonly Choice[] {
  const fitting = entries.filter(({ name, definition }) =>
    `${name} ${definition?.description ?? ""}`.toLowerCase().includes(wanted),
  );
  const begins = (name: string) => (name.startsWith(wanted) ? 0 : 1);
  return fitting
    .toSorted((a, b) => begins(a.name) - begins(b.name))
    .map(({ name, definition }) => ({
      name: cut(definition ? `${name} · ${definition.description}` : `⚠️ ${name} · not valid`, 100),
      value: name,
    }));
}

const text = (
  name: string,
  description: string,
  more: Partial<Pick<APIApplicationCommandStringOption, "required" | "max_length">> & {
    readonly autocomplete?: boolean;
  } = {},
) =>
  ({
    type: ApplicationCommandOptionType.String,
    name,
    description,
    max_length: 100,
    ...more,
  }) as APIApplicationCommandStringOption;
const nameOption = text("name", "Which workflow", { required: true, autocomplete: true });
const runOption = text("run", "Which run", { required: true, autocomplete: true });
const subcommand = (
  name: string,
  description: string,
  options: APIApplicationCommandStringOption[] = [],
) => ({ type: ApplicationCommandOptionType.Subcommand as const, name, description, options });

export default {
  data: {
    name: "workflow",
    type: ApplicationCommandType.ChatInput,
    description: "Run workflows: several agents in order and side by side, with people's approval",
    options: [
      subcommand("run", "Start a workflow; a form asks for its inputs", [nameOption]),
      subcommand("list", "The workflows that there are"),
      subcommand("show", "What a workflow asks for and does", [nameOption]),
      subcommand("status", "The open runs, or everything about one", [
        text("run", "Which run", { autocomplete: true }),
      ]),
      subcommand("cancel", "Stop a run", [
        runOption,
        text("reason", "Why, for the history", { max_length: 200 }),
      ]),
      subcommand("retry", "Do once more what failed", [
        runOption,
        text("step", "Only this step", { autocomplete: true }),
      ]),
      subcommand("approve", "Let a run go on at its gate", [
        runOption,
        text("step", "Which gate, when several wait", { autocomplete: true }),
        text("reason", "A word for the history", { max_length: 1000 }),
      ]),
      subcommand("reject", "Do not let a run go on at its gate", [
        runOption,
        text("reason", "Why, for the history", { required: true, max_length: 1000 }),
        text("step", "Which gate, when several wait", { autocomplete: true }),
      ]),
    ],
  },
  subcommands: {
    run: runDeed,
    list: { execute: async (_, { verbs }) => listAnswer(verbs.runs.workflows()), reads: true },
    show: {
      execute: async (asked, { verbs }) =>
        workflowAnswer(verbs.runs.workflow((option(asked, "name", "string") ?? "").trim())),
      reads: true,
    },
    status: { execute: status, reads: true },
    cancel: {
      execute: (asked, context) => cancel(runIn(asked), context, option(asked, "reason", "string")),
    },
    retry: {
      execute: retry,
    },
    approve: decideCommand("approve"),
    reject: decideCommand("reject"),
  },
  autocomplete,
  presses: {
    fill: fillDeed,
    approve: approveDeed,
    reject: rejectDeed,
    retry: retryDeed,
    restart: restartDeed,
    adjust: adjustDeed,
    accept: acceptDeed,
    "proposals-accept": acceptProposalsDeed,
    "proposals-dismiss": dismissProposalsDeed,
    show: { execute: (asked, context) => details(asked.subject ?? "", context), reads: true },
  },
  submits: { inputs: inputsDeed, reject: rejectedDeed, adjusted: adjustedDeed },
} satisfies Command;
