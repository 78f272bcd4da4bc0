import type { Command } from "commander";
import { Refusal } from "../kernel/refusal.ts";
import type { Hq } from "./hq.ts";

export type SetupOptions = {
  readonly yes?: true;
  readonly tokenEnv?: string;
  readonly tokenStdin?: true;
  readonly guild?: string;
  readonly import?: string;
  readonly json?: true;
};

export function registerSetup(program: Command, hq: Hq): void {
  program
    .command("setup")
    .description(
      "ask for the bot token and the guild, map channels by name, write .env and config/channels.yaml",
    )
    .option("--yes", "ask nothing: take what is given, and names as they are")
    .option("--token-env <name>", "read the bot token from this environment variable")
    .option("--token-stdin", "read the bot token from standard input")
    .option("--guild <id>", "the guild's id; asked for, or taken when the bot is in only one")
    .option(
      "--import <file>",
      "take token, guild, channels and claimed tasks from a discord-config.env of the older tools",
    )
    .option("--json", "print doctor's findings as JSON at the end")
    .action((options: SetupOptions) =>
      hq.run(async () => {
        if (options.tokenEnv !== undefined && options.tokenStdin) {
          throw new Refusal("invalid_input", "--token-env and --token-stdin are given together.", {
            hint: "Each says where the bot's token is: choose one.",
          });
        }
        const { runSetup } = await import("./setup/run-setup.ts");
        return runSetup(hq.io, options);
      }),
    );
}
