import type { Command } from "commander";
import { type Hq, parseCount, parseSpan } from "./hq.ts";

const USUAL_TIMEOUT_MS = 90_000;
const USUAL_LINES = 100;
const AGENTS = "id, alias, letter or range such as A-H; all when left out";

type Json = { readonly json?: true };

/** The gateways of this machine. Each command loads what it needs when it is called. */
export function registerCluster(program: Command, hq: Hq): void {
  const cluster = program.command("cluster").description("the gateways of the agents on this machine");
  const command = (name: string, description: string) =>
    cluster
      .command(name)
      .description(description)
      .argument("[agent...]", AGENTS)
      .option("--json", "print JSON");

  command("init", "write what gateways need and nobody has written yet: folders, configuration, workspaces")
    .option("--dry-run", "say what would be written, write nothing")
    .action((agents: readonly string[], options: Json & { dryRun?: true }) =>
      hq.run(async () => (await import("./cluster/init.ts")).runInit(hq.io, agents, options)),
    );

  cluster
    .command("units")
    .description("write the units of systemd --user for the gateways and the supervisor")
    .option("--dir <folder>", "where to; needs no systemd")
    .option("--enable", "and run them, now and at boot")
    .option("--json", "print JSON")
    .action((options: Json & { dir?: string; enable?: true }) =>
      hq.run(async () => (await import("./cluster/units.ts")).runUnits(hq.io, options)),
    );

  command("start", "start gateways and wait until they answer; those that run stay as they are")
    .option("--timeout <duration>", "how long to wait", parseSpan, USUAL_TIMEOUT_MS)
    .action((agents: readonly string[], options: Json & { timeout: number }) =>
      hq.run(async () => (await import("./cluster/start.ts")).runStart(hq.io, agents, options)),
    );

  command("stop", "stop gateways, the turn they are at included")
    .option(
      "--timeout <duration>",
      "how long a turn may still take before it is killed (cluster.stop_grace)",
      parseSpan,
    )
    .action((agents: readonly string[], options: Json & { timeout?: number }) =>
      hq.run(async () => (await import("./cluster/stop.ts")).runStop(hq.io, agents, options)),
    );

  command("restart", "stop gateways and start them again")
    .option("--timeout <duration>", "how long to wait for each half", parseSpan)
    .action((agents: readonly string[], options: Json & { timeout?: number }) =>
      hq.run(async () => {
        const { runRestart } = await import("./cluster/restart.ts");
        return runRestart(hq.io, agents, { usualMs: USUAL_TIMEOUT_MS, ...options });
      }),
    );

  command("status", "how gateways stand").action((agents: readonly string[], options: Json) =>
    hq.run(async () => (await import("./cluster/status.ts")).runStatus(hq.io, agents, options)),
  );

  command("logs", "what gateways said")
    .option("-n, --lines <n>", "of each", parseCount(0, 100_000), USUAL_LINES)
    .option("-f, --follow", "go on")
    .action((agents: readonly string[], options: Json & { lines: number; follow?: true }) =>
      hq.run(async () => (await import("./cluster/logs.ts")).runLogs(hq.io, agents, options)),
    );

  registerSkills(cluster, hq);
}

function registerSkills(cluster: Command, hq: Hq): void {
  const skills = cluster.command("skills").description("the skills that teach agents the hq commands");
  const verbs = {
    list: "which agents have which",
    install: "link them into the agents' workspaces",
    remove: "take the links away",
  } as const;
  for (const [verb, description] of Object.entries(verbs) as [keyof typeof verbs, string][]) {
    skills
      .command(verb, { isDefault: verb === "list" })
      .description(description)
      .argument(verb === "list" ? "[agent...]" : "<agent...>", AGENTS)
      .option("--skill <name...>", "only these")
      .option("--json", "print JSON")
      .action((agents: readonly string[], options: Json & { skill?: readonly string[] }) =>
        hq.run(async () => (await import("./cluster/skills.ts")).runSkills(hq.io, verb, agents, options)),
      );
  }
}
