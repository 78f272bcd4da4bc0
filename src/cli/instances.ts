import { type Command, Option } from "commander";
import type { InstanceHealth } from "../engine/orchestrator-verbs.ts";
import type { Hq } from "./hq.ts";
import { jsonText, table } from "./print.ts";

/** `hq health`: whether instances would take work now. */
export function registerHealth(program: Command, hq: Hq): void {
  const { io } = hq;
  program
    .command("health")
    .description("whether instances would take work now; their gateways are asked")
    .option("--instances <words...>", "ids, aliases, letters or ranges of letters: A-H (all)")
    .addOption(
      new Option("--output <form>", "a table with reasons, or JSON: instance to healthy or down")
        .choices(["table", "json"])
        .default("table"),
    )
    .option("--json", "print JSON whatever --output says")
    .addHelpText("after", "\nExample:\n  hq health --instances A-H --output json\n")
    .action((options: { instances?: readonly string[]; output: "table" | "json"; json?: true }) =>
      hq.run(async () => {
        const { instances } = options;
        const query = new URLSearchParams({
          detail: "true",
          ...(instances === undefined ? {} : { instances: instances.join(",") }),
        });
        const path = `/api/orchestrator/health?${query.toString()}`;
        const found = await hq
          .client()
          .ask<Readonly<Record<string, InstanceHealth>>>({ path, isWhole: true });
        const all = Object.values(found);
        const words = Object.fromEntries(all.map(({ instance, status }) => [instance, status]));
        const isJson = options.json === true || options.output === "json";
        io.out(isJson ? `${jsonText(words)}\n` : healthTable(all));
        return 0;
      }),
    );
}

function healthTable(all: readonly InstanceHealth[]): string {
  const rows = all.map(({ instance, agent, status, state, text }) => [instance, agent, status, state, text]);
  return table([["INSTANCE", "AGENT", "HEALTH", "STATE", "WHY"], ...rows]);
}
