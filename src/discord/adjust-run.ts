import { ComponentType, TextInputStyle } from "discord.js";
import type { RunEvent } from "../domain/run-types.ts";
import type { RunView } from "../domain/run-view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import type { CommandContext, Deed } from "./command.ts";
import { customId, parseRunSubject, runSubject } from "./custom-id.ts";
import { retriedAnswer } from "./run-answers.ts";

const MOST_FIELDS = 5;
const LONGEST_TASK = 4000;

type Task = { readonly step: string; readonly text: string };

/** Adjust…: the tasks of the failed steps, to be changed before they are done once more. */
export const adjustDeed: Deed = {
  async opens(asked, context) {
    const run = asked.subject ?? "";
    const view = await context.verbs.runs.run(run);
    const texts = await textsOf(run, context);
    const tasks = failedTasks(view, texts);
    if (tasks.length === 0) {
      throw new Refusal("already_settled", `No failed step of ${run} has a task that can be changed here.`, {
        hint: "`hq workflow status` shows how far it is; Retry failed does the steps as they are.",
      });
    }
    return {
      custom_id: customId("adjusted", runSubject(view)),
      title: cut(`Adjust ${view.workflow}`, 45),
      components: tasks.map(({ step, text }) => ({
        type: ComponentType.Label as const,
        label: cut(step, 45),
        description: "The task; it is retried when you submit, like all that failed",
        component: {
          type: ComponentType.TextInput as const,
          custom_id: step,
          style: TextInputStyle.Paragraph,
          required: true,
          min_length: 1,
          max_length: LONGEST_TASK,
          value: text,
        },
      })),
    };
  },
  execute: () =>
    Promise.reject(
      new Refusal("already_settled", "There is nothing to adjust.", {
        hint: "`hq workflow status` shows how far it is.",
      }),
    ),
};

/** Retries what failed of the run as the form showed it, with the texts that were changed. */
export const adjustedDeed: Deed = {
  async execute(asked, context) {
    const { run, ...seen } = parseRunSubject(asked.subject ?? "");
    const texts = await textsOf(run, context, seen.resumes);
    const changed = Object.entries(asked.fields ?? {}).filter(
      ([step, text]) => text.trim() !== "" && text !== texts.get(step),
    );
    const options = changed.length > 0 ? { tasks: Object.fromEntries(changed) } : {};
    const view = await context.verbs.runs.retryRun(context.actor, run, { ...options, ...seen });
    return retriedAnswer(view, changed.length);
  },
};

/**
 * The texts that its steps are done with: those of the run's own copy of the workflow, or of a person. With `resumes`
 * as they were when people had asked so much of it.
 */
async function textsOf(
  run: string,
  { verbs }: CommandContext,
  resumes = Number.POSITIVE_INFINITY,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  let seen = 0;
  for (const { body } of await verbs.history(run)) {
    const event = body as RunEvent;
    if (event.type === "run.started") {
      for (const { id, action } of event.order.definition.steps) {
        if (action.kind === "task") texts.set(id, action.task);
      }
    } else if (event.type === "run.resumed" && seen < resumes) {
      seen += 1;
      for (const { step, task } of event.reset) if (task !== undefined) texts.set(step, task);
    }
  }
  return texts;
}

function failedTasks({ steps }: RunView, texts: ReadonlyMap<string, string>): readonly Task[] {
  return steps
    .filter(({ status, items }) => status === "failed" || (items?.failed ?? 0) > 0)
    .flatMap(({ id }) => {
      const text = texts.get(id);
      return text !== undefined && text.length <= LONGEST_TASK ? [{ step: id, text }] : [];
    })
    .slice(0, MOST_FIELDS);
}
