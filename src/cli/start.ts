import { type Command, Option } from "commander";
import { findHome } from "./home.ts";
import { type Hq, parseCount } from "./hq.ts";

const LAST_PORT = 65_535;

type StartOptions = {
  readonly json?: true;
  readonly port?: number;
  readonly guildPort?: number;
  readonly embedded?: true;
};

export function registerStart(program: Command, hq: Hq): void {
  program
    .command("start")
    .description("start the supervisor here and stay until it is stopped")
    .option("--port <n>", "port of the REST API, 0 = a free one (HQ_PORT, 18700)", parseCount(0, LAST_PORT))
    .option("--guild-port <n>", "port of the local guild (HQ_GUILD_PORT, 18701)", parseCount(0, LAST_PORT))
    .option("--json", "print one JSON line on stdout when ready")
    .addOption(new Option("--embedded", "no Discord, leave when nothing is open").hideHelp())
    .action((options: StartOptions) =>
      hq.run(async () => {
        const { home, config } = findHome(hq.io);
        process.env.HQ_HOME = home;
        process.env.HQ_CONFIG = config;
        const { runSupervisor } = await import("../main.ts");
        return runSupervisor(options);
      }),
    );
}
