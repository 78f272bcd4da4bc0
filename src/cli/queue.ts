import { type Command, Option } from "commander";
import { TASK_STATUSES } from "../domain/task-types.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { TriggerAnswer } from "../engine/queue-verbs.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { counted } from "../kernel/text.ts";
import { type Hq, parseCount, parseSpan } from "./hq.ts";
import { jsonText } from "./print.ts";
import { registerQueueChange } from "./queue-change.ts";
import { registerQueueClear } from "./queue-clear.ts";
import { describeTask, taskTable } from "./task-text.ts";
import { waitUntilNothingIsOpen } from "./wait-queue.ts";
import { workerOf } from "./wait-task.ts";
import { taskPath } from "./work.ts";

type ListOptions = {
  readonly status?: string;
  readonly open?: true;
  readonly limit: number;
  readonly before?: string;
  readonly json?: true;
};
type TriggerOptions = { readonly wait?: true; readonly waitTimeout?: number; readonly json?: true };

export function registerQueue(program: Command, hq: Hq): void {
  const queue = program
    .command("queue")
    .description("the tasks that people post to the channel of the queue");
  registerReading(queue, hq);
  registerTrigger(queue, hq);
  registerQueueChange(queue, hq);
  registerQueueClear(queue, hq);
}

function registerReading(queue: Command, hq: Hq): void {
  const { io } = hq;
  queue
    .command("list", { isDefault: true })
    .description("tasks, newest first, with the reason why one is not done")
    .addOption(new Option("--status <status>", "only these").choices(TASK_STATUSES))
    .option("--open", "only those that are not over")
    .option("--limit <n>", "how many", parseCount(1, 200), 20)
    .option("--before <cursor>", "the page after: `next` of the page before")
    .option("--json", "print JSON")
    .action((options: ListOptions) => hq.run(() => list(hq, options)));

  queue
    .command("show")
    .description("one task: its tags, who did it, where, and what came of it")
    .argument("<task>", "the id that `hq queue list` shows, or the id of its message")
    .option("--json", "print JSON")
    .action((task: string, options: { json?: true }) =>
      hq.run(async () => {
        const client = hq.client("if-used");
        const view = await client.ask<TaskView>({ path: taskPath(task) });
        const worker = await workerOf(client, view);
        const all = worker ? { ...view, worker } : view;
        io.out(options.json ? `${jsonText(all)}\n` : describeTask(view, io.now(), worker));
        return 0;
      }),
    );
}

async function list({ io, client }: Hq, options: ListOptions): Promise<number> {
  const { status, open, limit, before, json } = options;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(status ? { status } : {}),
    ...(open ? { open: "true" } : {}),
    ...(before === undefined ? {} : { before }),
  });
  const page = await client("if-used").ask<Page<TaskView>>({ path: `/tasks?${query.toString()}` });
  if (json) io.out(`${jsonText(page)}\n`);
  else if (page.items.length === 0) io.err(`${noTasks(options)}\n`);
  else io.out(taskTable(page.items, io.now()));
  if (page.next) io.err(`There are more: --before ${page.next}\n`);
  return 0;
}

function noTasks({ status, open, before }: ListOptions): string {
  if (before !== undefined) return "No further tasks.";
  if (status !== undefined) return `No task is ${status}.`;
  if (open) return "No task is open or being done.";
  return "No tasks. `hq doctor` says whether the channel is found and read.";
}

function registerTrigger(queue: Command, hq: Hq): void {
  const { io } = hq;
  queue
    .command("trigger")
    .description(
      "one pass: read the channel now and begin what waits; safe under cron, twice at once is once",
    )
    .option("--wait", "wait until no task is open")
    .addOption(
      new Option("--wait-timeout <duration>", "wait at most so long (exit 4); the work goes on")
        .argParser(parseSpan)
        .implies({ wait: true }),
    )
    .option("--json", "print JSON")
    .action((options: TriggerOptions) =>
      hq.run(async () => {
        const client = hq.client("always");
        const answer = await client.ask<TriggerAnswer>({
          method: "POST",
          path: "/tasks/trigger",
          isRepeatable: true,
        });
        const { messages, open, claimed } = answer;
        if (options.json) io.out(`${jsonText(answer)}\n`);
        else
          io.out(
            `${counted(messages, "message")} read, ${counted(open, "task")} open, ${claimed} being done.\n`,
          );
        if (!options.wait) return 0;
        return waitUntilNothingIsOpen(io, client, options.waitTimeout);
      }),
    );
}
