import type { Command } from "commander";
import { MOST_CHANNEL_MESSAGES } from "../api/limits.ts";
import type { ChannelHistory } from "../engine/ports/channels.ts";
import type { HandoffRecord } from "../engine/verbs.ts";
import { oneLine } from "../kernel/text.ts";
import { type Hq, parseCount } from "./hq.ts";
import { instant, jsonText, plainText, table } from "./print.ts";

const USUAL_MESSAGES = 20;

export function registerHandoffs(program: Command, hq: Hq): void {
  program
    .command("handoffs")
    .description("handoffs that were seen and what became of them, newest first")
    .option("--run <id>", "only of this delegation")
    .option("--limit <n>", "how many", parseCount(1, 1000), 50)
    .option("--json", "print JSON")
    .action((options: { run?: string; limit: number; json?: true }) =>
      hq.run(async () => {
        const query = new URLSearchParams({
          limit: String(options.limit),
          ...(options.run ? { run: options.run } : {}),
        });
        const { items } = await hq
          .client("if-used")
          .ask<{ readonly items: readonly HandoffRecord[] }>({ path: `/handoffs?${query.toString()}` });
        if (options.json) hq.io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) hq.io.err(`${noHandoffs(options.run)}\n`);
        else hq.io.out(handoffTable(items));
        return 0;
      }),
    );
}

function noHandoffs(run: string | undefined): string {
  return run === undefined ? "No handoffs were seen yet." : `No handoff of ${oneLine(run)} was seen yet.`;
}

function handoffTable(items: readonly HandoffRecord[]): string {
  const rows = items.map(({ at, run, verdict, attempt, status, path, problems }) => {
    const what = problems.map(({ path: at, message }) => (at ? `${at}: ${message}` : message)).join("; ");
    return [instant(at), run, String(attempt), verdict, status ?? "–", what ? `${path} (${what})` : path];
  });
  return table([["SEEN", "RUN", "ATTEMPT", "VERDICT", "STATUS", "WHERE"], ...rows], 200);
}

export function registerContext(program: Command, hq: Hq): void {
  program
    .command("context")
    .description("a channel's recent messages, newest last, as an agent would get them")
    .argument("<channel>", "name or id")
    .option("--messages <n>", "how many, 1 to 30", parseCount(1, MOST_CHANNEL_MESSAGES), USUAL_MESSAGES)
    .option("--json", "print JSON")
    .action((channel: string, options: { messages: number; json?: true }) =>
      hq.run(async () => {
        const name = encodeURIComponent(channel.replace(/^#/, ""));
        const history = await hq
          .client()
          .ask<ChannelHistory>({ path: `/channels/${name}/context?messages=${options.messages}` });
        if (options.json) hq.io.out(`${jsonText(history)}\n`);
        else if (history.text === "") hq.io.err(`No messages in #${history.channel}.\n`);
        else hq.io.out(plainText(history.text));
        return 0;
      }),
    );
}
