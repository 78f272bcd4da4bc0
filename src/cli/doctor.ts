import type { Command } from "commander";
import type { Hq } from "./hq.ts";

export function registerDoctor(program: Command, hq: Hq): void {
  program
    .command("doctor")
    .description("test token, intents, permissions, channels, agents and this machine; say how to mend each")
    .option("--json", "print the findings as JSON")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const { runDoctor } = await import("./doctor/run-doctor.ts");
        return runDoctor(hq.io, options);
      }),
    );
}
