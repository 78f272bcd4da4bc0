import { type Command, Option } from "commander";
import { TASK_STATUSES, type TaskStatus } from "../domain/task-types.ts";
import { type ClearedPage, QUEUE_CHANNELS, type QueueChannelName } from "../engine/queue-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { counted, oneLine } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";
import type { Io } from "./io.ts";
import { jsonText } from "./print.ts";
import { untilInterrupted } from "./until-interrupted.ts";

const OVER: readonly TaskStatus[] = ["done", "failed", "withdrawn"];

type ClearOptions = {
  readonly status?: readonly TaskStatus[];
  readonly channel?: readonly QueueChannelName[];
  readonly yes?: true;
  readonly json?: true;
};

export function registerQueueClear(queue: Command, hq: Hq): void {
  const all = <T>(one: T, before: readonly T[] | undefined): readonly T[] => [...(before ?? []), one];
  queue
    .command("clear")
    .description("remove messages: of tasks that are over, or with --status or --channel others; asks first")
    .addOption(
      new Option("--status <status>", "of tasks with this status; may be repeated (done, failed, withdrawn)")
        .choices(TASK_STATUSES)
        .argParser((text: string, before: readonly TaskStatus[] | undefined) =>
          all(oneOf(TASK_STATUSES, text), before),
        ),
    )
    .addOption(
      new Option("--channel <channel>", "every message of this channel; may be repeated")
        .choices(QUEUE_CHANNELS)
        .argParser((text: string, before: readonly QueueChannelName[] | undefined) =>
          all(oneOf(QUEUE_CHANNELS, text), before),
        ),
    )
    .option("--yes", "do not ask")
    .option("--json", "print JSON")
    .action((options: ClearOptions) => hq.run(() => clear(hq, options)));
}

function oneOf<const T extends string>(words: readonly T[], text: string): T {
  const found = words.find((word) => word === text.toLowerCase().replace(/^#/, ""));
  if (found) return found;
  throw new Refusal("invalid_input", `${text} is not one of ${words.join(", ")}.`);
}

type Cleared = Pick<ClearedPage, "removed" | "kept">;

async function clear(hq: Hq, options: ClearOptions): Promise<number> {
  const { io } = hq;
  const { status, channel } = options;
  if (status && channel) {
    throw new Refusal("invalid_input", "--status and --channel are given together.", {
      hint: "--status removes the messages of some tasks, --channel all of a channel: choose one.",
    });
  }
  const queries = channel
    ? channel.map((name) => ({ channel: name }))
    : [{ status: (status ?? OVER).join(",") }];
  const answer = options.yes ? "yes" : await answerOf(io, options);
  if (answer !== "yes") {
    io.err("Nothing was removed.\n");
    return answer === undefined ? 130 : 0;
  }
  const total = { removed: 0, kept: [] as Cleared["kept"] };
  const removeAll = async (signal: AbortSignal) => {
    try {
      for (const query of queries) await clearAll(hq, query, total, signal);
    } catch (error) {
      if (total.removed > 0)
        io.err(`${counted(total.removed, "message was", "messages were")} removed before that.\n`);
      throw error;
    }
    return total;
  };
  const done = await untilInterrupted(io, removeAll, "Interrupted: what was removed so far is gone.");
  if (options.json) io.out(`${jsonText(total)}\n`);
  else io.out(`${counted(total.removed, "message")} removed.\n`);
  for (const { reason, count } of total.kept)
    io.err(`${counted(count, "stays", "stay")}: ${oneLine(reason, 300)}\n`);
  if (!done) return 130;
  return total.kept.length > 0 ? 1 : 0;
}

/** Page after page, until there is none left. */
async function clearAll(
  { io, client }: Hq,
  which: Readonly<Record<string, string>>,
  total: { removed: number; kept: Cleared["kept"] },
  signal: AbortSignal,
): Promise<void> {
  const supervisor = client();
  for (let before: string | undefined; ; ) {
    const query = new URLSearchParams({ ...which, ...(before ? { before } : {}) });
    const page = await supervisor.ask<ClearedPage>(
      { method: "DELETE", path: `/tasks?${query.toString()}`, isRepeatable: true },
      signal,
    );
    total.removed += page.removed;
    total.kept = joined(total.kept, page.kept);
    before = page.next;
    if (!before) return;
    io.err(`${total.removed} removed …\n`);
  }
}

function joined(a: Cleared["kept"], b: Cleared["kept"]): Cleared["kept"] {
  const counts = new Map<string, number>();
  for (const { reason, count } of [...a, ...b]) counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) => ({ reason, count }));
}

/** Undefined = given up. */
async function answerOf(io: Io, { status, channel }: ClearOptions): Promise<string | undefined> {
  const what = channel
    ? `every message of ${channel.map((name) => `#${name}`).join(", ")}`
    : `the messages of all tasks that are ${(status ?? OVER).join(", ")}`;
  const running = (status ?? []).includes("claimed") || (channel ?? []).includes("task-queue");
  const more = running ? " Tasks that are being done are canceled." : "";
  if (!io.asking) {
    throw new Refusal(
      "invalid_input",
      `This would remove ${what}, and there is no terminal to ask at.${more}`,
      {
        hint: "Say --yes when that is what you want.",
      },
    );
  }
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    return await io.asking.choose(
      `Remove ${what}? It cannot be undone.${more}`,
      [
        { value: "no", label: "No, leave them" },
        { value: "yes", label: "Yes, remove them" },
      ],
      leaving.signal,
    );
  } finally {
    stopListening();
  }
}
