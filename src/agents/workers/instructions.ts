import { readFileSync } from "node:fs";
import type { WorkerKind, WorkerPlaceholder } from "../../domain/task-settings.ts";
import type { WorkerOrder } from "../../engine/ports/workers.ts";

const AGENTS_MD = `# You are a worker

You do one task, alone, and then you end. Nobody answers questions while you work.

1. Read TASK.txt in {folder}. It holds the whole task.
2. Do it. What you make along the way stays in that folder.
3. Write the result to RESULT.txt in that folder. Only what stands there counts; what you say is not read.
4. Then write SUMMARY.txt beside it: what came out, for people, in at most {summary_max} characters.

If the task cannot be done, write no RESULT.txt; say in SUMMARY.txt what is missing.
{language}
Task {task} · model {model} · thinking {thinking}
`;

const TOOLS_MD = `# Tools

You have the tools of the program that runs you, and this folder. Nothing here is shared with other workers: two
workers never see each other's files. There is nobody to send messages to; the result is read from RESULT.txt.
`;

const ENGLISH = "\nWrite English only, whatever language the task is in.\n";

export type Instructions = {
  readonly agentsMd: string;
  readonly toolsMd: string;
  readonly taskTxt: string;
};

/** What a worker finds in its folder. A template that cannot be read is an error: its words may matter. */
export function composeInstructions(given: {
  readonly order: WorkerOrder;
  readonly kind: WorkerKind;
  readonly folder: string;
  readonly summaryMax: number;
  readonly englishOnly: boolean;
}): Instructions {
  const { order, kind } = given;
  const template = kind.agentsMd === undefined ? AGENTS_MD : readTemplate(kind.agentsMd);
  const language = given.englishOnly ? ENGLISH : "";
  const text = fill(template, {
    task: order.task,
    folder: given.folder,
    model: order.model,
    thinking: order.thinking,
    summary_max: String(given.summaryMax),
    language,
  });
  return {
    // The rule holds for a template that has no place for it, too.
    agentsMd: template.includes("{language}") ? text : `${text}${language}`,
    toolsMd: kind.toolsMd === undefined ? TOOLS_MD : readTemplate(kind.toolsMd),
    taskTxt: `TASK: ${order.text}\n`,
  };
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`the template ${path} cannot be read`, { cause });
  }
}

/** The argument list with its placeholders filled in; each stays one argument whatever it holds. */
export function composeCommand(
  command: readonly string[],
  values: Readonly<Record<WorkerPlaceholder, string>>,
): readonly string[] {
  return command.map((argument) => fill(argument, values));
}

/** The one sentence that sends a worker to its files. The task itself travels in TASK.txt only. */
export function messageFor(folder: string): string {
  return `Read AGENTS.md and TASK.txt in ${folder}/ and complete the task. Write the result to RESULT.txt and a short summary to SUMMARY.txt in the same folder.`;
}

export function sessionOf({ agent, id }: WorkerOrder): string {
  return `${agent}-${id}`.replace(/[^A-Za-z0-9-]+/g, "-");
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{([a-z_]+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
  );
}
