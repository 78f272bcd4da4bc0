import type { Command } from "commander";
import type { Hq } from "./hq.ts";

export function registerCheck(program: Command, hq: Hq): void {
  program
    .command("check")
    .description("validate config/ and .env without a network: every problem with file, line and suggestion")
    .option("--json", "print problems and warnings as JSON")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const { runCheck } = await import("./check-files.ts");
        return runCheck(hq.io, options);
      }),
    );
}
