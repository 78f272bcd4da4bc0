import { type Command, Option } from "commander";
import type { TaskView } from "../engine/task-verbs.ts";
import { forTerminal } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";
import { taskPath } from "./work.ts";

export function registerQueueChange(queue: Command, hq: Hq): void {
  const { io } = hq;

  async function change(word: string, act: string, body: object | undefined, json: true | undefined) {
    const view = await hq.client("if-used").ask<TaskView>({
      method: "POST",
      path: `${taskPath(word)}/${act}`,
      ...(body ? { body } : {}),
    });
    io.out(json ? `${jsonText(view)}\n` : `${view.id} is ${view.status}.\n`);
    return 0;
  }

  queue
    .command("withdraw")
    .description("take a task out of the queue; what works on it is canceled")
    .argument("<task>", "its id, or the id of its message")
    .option("--reason <text>", "why, for the history")
    .option("--json", "print JSON")
    .action((task: string, { reason, json }: { reason?: string; json?: true }) =>
      hq.run(() => change(task, "withdraw", { reason }, json)),
    );

  queue
    .command("run-again")
    .description("do a task once more that is done, failed or withdrawn")
    .argument("<task>", "its id, or the id of its message")
    .option("--json", "print JSON")
    .action((task: string, { json }: { json?: true }) =>
      hq.run(() => change(task, "run-again", undefined, json)),
    );

  queue
    .command("export")
    .description("every task, newest first, one a line")
    .addOption(
      new Option("--format <format>", "JSON objects, or cells for a spreadsheet")
        .choices(["jsonl", "csv"])
        .default("jsonl"),
    )
    .option("--json", "print JSON objects whatever --format says")
    .action((options: { format: "jsonl" | "csv"; json?: true }) =>
      hq.run(async () => {
        const format = options.json ? "jsonl" : options.format;
        const lines = await hq
          .client("if-used")
          .open({ path: `/tasks/export?format=${format}` }, new AbortController().signal);
        // JSON keeps control characters as escapes; the cells of a spreadsheet do not.
        for await (const part of lines.pipeThrough(new TextDecoderStream()))
          io.out(format === "csv" ? part.replaceAll(/[^\r\n]+/g, forTerminal) : part);
        return 0;
      }),
    );
}
