import { ButtonStyle, ComponentType } from "discord.js";
import type { RunView } from "../domain/run-view.ts";
import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { isRefusal, type Problem, Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import { type Answer, type Asked, type CommandContext, type Deed, option } from "./command.ts";
import { givenInputs, inputForm, pageCount, pageName, pageOf } from "./input-form.ts";
import { formSubject, type Kept, keptForms, parseFormSubject } from "./kept-form.ts";
import { LIMITS } from "./limits.ts";
import { button } from "./render-run-card.ts";
import { asCode, asLine } from "./sanitize.ts";

/** `/workflow run`: the form with its inputs, or the start at once when it has none. */
export const runDeed: Deed = {
  begins: true,
  async opens(asked, { verbs }) {
    const definition = verbs.runs.workflow(option(asked, "name", "string") ?? "");
    if (definition.inputs.length === 0) return undefined;
    return inputForm(definition, 0, {}, formSubject({ kind: "new", workflow: definition.name }));
  },
  execute: (asked, context) =>
    start(asked, context, context.verbs.runs.workflow(option(asked, "name", "string") ?? ""), {
      workflow: "",
      values: {},
      pages: [],
    }),
};

/** Continue and Mend: another form over what is kept. */
export const fillDeed: Deed = {
  async opens(asked, context) {
    const subject = parseFormSubject(asked.subject ?? "");
    const { workflow, values } = await keptForms(asked, context);
    const definition = context.verbs.runs.workflow(workflow);
    if (subject?.kind !== "on" || pageOf(definition, subject.page).length === 0) throw changed(workflow);
    return inputForm(definition, subject.page, values, formSubject(subject));
  },
  execute: () => Promise.reject(changed("The workflow")),
};

function changed(workflow: string): Refusal {
  return new Refusal("not_found", `${workflow} has other inputs now.`, {
    hint: "Begin again with `/workflow run`.",
  });
}

/** A form was handed in: the next one, the start, or what does not fit. */
export const inputsDeed: Deed = {
  begins: true,
  replaces: true,
  async execute(asked, context) {
    const kept = await keptForms(asked, context);
    const definition = context.verbs.runs.workflow(kept.workflow);
    const all = Array.from({ length: pageCount(definition) }, (_, page) => page);
    const next = all.find((page) => !kept.pages.includes(page));
    if (next === undefined) return start(asked, context, definition, kept);
    return goOn(asked, context, definition, kept, next);
  },
};

async function goOn(
  asked: Asked,
  context: CommandContext,
  definition: WorkflowDefinition,
  kept: Kept,
  next: number,
): Promise<Answer> {
  const problems = await problemsSoFar(context, definition, kept);
  const pages = pageCount(definition);
  const words =
    problems.length > 0
      ? [`⚠️ **${definition.name}**: ${counted(problems.length)} so far; you can mend it now or at the end.`]
      : [
          `**${definition.name}**: ${kept.pages.length} of ${pages} forms are filled in. Nothing has begun yet.`,
        ];
  return {
    text: [...words, ...problemLines(problems), `-# what you wrote is kept`].join("\n"),
    outcome: `form ${kept.pages.length} of ${pages} of ${definition.name}`,
    components: rowOf([
      fillButton(asked, next, `Continue (${pageName(definition, next)})`, ButtonStyle.Primary),
      ...mendButtons(asked, definition, kept, problems),
    ]),
  };
}

/** What is wrong with the inputs that were shown; what is missing from the others is nobody's mistake yet. */
async function problemsSoFar(
  { verbs, actor }: CommandContext,
  definition: WorkflowDefinition,
  kept: Kept,
): Promise<readonly Problem[]> {
  const inputs = givenInputs(definition, kept.values);
  try {
    await verbs.runs.planRun(actor, { workflow: definition.name, inputs });
    return [];
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const shown = new Set(kept.pages.flatMap((page) => pageOf(definition, page).map(({ name }) => name)));
    const ours = thrown.problems.filter((problem) => shown.has(inputOf(problem)));
    const others = thrown.problems.filter((problem) => !isInput(definition, problem));
    if (ours.length === 0 && (others.length > 0 || thrown.problems.length === 0)) throw thrown;
    return ours;
  }
}

async function start(
  asked: Asked,
  context: CommandContext,
  definition: WorkflowDefinition,
  kept: Kept,
): Promise<Answer> {
  const { verbs, actor } = context;
  try {
    const { run } = await verbs.runs.startRun(actor, {
      workflow: definition.name,
      inputs: givenInputs(definition, kept.values),
      key: { scope: "interaction", key: asked.id },
      card: { channel: asked.channel },
      origin: {
        door: "discord",
        channel: asked.channel,
        ...(asked.guild ? { guild: asked.guild } : {}),
      },
    });
    return await startedAnswer(run, context);
  } catch (thrown) {
    if (!isRefusal(thrown) || !thrown.problems.some((one) => isInput(definition, one))) throw thrown;
    return {
      text: [
        `⚠️ **${definition.name}** was not started: ${counted(thrown.problems.length)}.`,
        ...problemLines(thrown.problems),
        `-# what you wrote is kept; **Mend** opens the form again`,
      ].join("\n"),
      outcome: `refused: ${thrown.code}`,
      components: rowOf(mendButtons(asked, definition, kept, thrown.problems)),
    };
  }
}

export async function startedAnswer(run: RunView, context: CommandContext): Promise<Answer> {
  const card = await context.cardOf(run.id);
  const results = context.channels.forRole("results");
  const where = results && run.deliver ? ` · the result comes to <#${results.id}>` : "";
  return {
    text: `Started **${run.workflow}**: ${card ?? "the card follows in this channel"}\n-# ${run.id}${where}`,
    outcome: `started ${run.id}`,
  };
}

function inputOf({ path }: Problem): string {
  return path.replace(/^inputs\./, "");
}

function isInput({ inputs }: WorkflowDefinition, problem: Problem): boolean {
  return inputs.some(({ name }) => name === inputOf(problem));
}

function counted(problems: number): string {
  return problems === 1 ? "one thing does not fit" : `${problems} things do not fit`;
}

function problemLines(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => {
    const where = inputOf(problem);
    return `- ${where ? `${asCode(cut(where, 60))}: ` : ""}${cut(asLine(problem.message), 200)}`;
  });
}

function mendButtons(asked: Asked, definition: WorkflowDefinition, kept: Kept, problems: readonly Problem[]) {
  const wrong = new Set(problems.map(inputOf));
  const pages = [...kept.pages]
    .sort((a, b) => a - b)
    .filter((page) => pageOf(definition, page).some(({ name }) => wrong.has(name)));
  return pages.map((page) => {
    const label = pages.length > 1 ? `Mend ${pageName(definition, page)}` : "Mend";
    return fillButton(asked, page, label, ButtonStyle.Secondary);
  });
}

function fillButton(
  asked: Asked,
  page: number,
  label: string,
  style: ButtonStyle.Primary | ButtonStyle.Secondary,
) {
  const subject = formSubject({ kind: "on", interaction: asked.id, page });
  return button("fill", label, subject, style);
}

function rowOf(buttons: readonly ReturnType<typeof button>[]): NonNullable<Answer["components"]> {
  if (buttons.length === 0) return [];
  return [{ type: ComponentType.ActionRow, components: buttons.slice(0, LIMITS.rowButtons) }];
}
