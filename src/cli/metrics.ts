import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { type Command, InvalidArgumentError } from "commander";
import type { MetricsView } from "../domain/metrics-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import { parseDuration } from "../kernel/time.ts";
import type { Hq } from "./hq.ts";
import { figuresOfFolder } from "./metrics-folder.ts";
import { endedText, metricsText } from "./metrics-text.ts";
import { jsonText, plainText } from "./print.ts";

const FORMATS = ["text", "json", "prom"] as const;
type Format = (typeof FORMATS)[number];
const MOST_NAMED = 20;

type Options = {
  readonly since?: number;
  readonly agent?: string;
  readonly workflow?: string;
  readonly handoffs?: string;
  readonly logs?: string;
  readonly json?: true;
};

export function registerMetrics(program: Command, hq: Hq): void {
  program
    .command("metrics")
    .description("figures: how much ended how, how long it took, what it cost, and how it stands")
    .argument(
      "[format]",
      `${FORMATS.join(", ")}: for people, for programs, for Prometheus`,
      parseFormat,
      "text",
    )
    .option("--since <span>", "only what ended since then: 90m, 24h, 7d", parseBack)
    .option("--agent <id>", "only of this agent")
    .option("--workflow <name>", "only of this workflow")
    .option(
      "--handoffs <folder>",
      "from the handoff files and workflow runs in a folder, without a supervisor",
    )
    .option(
      "--logs <folder>",
      "with --handoffs: where lines of JSON say when work began (../logs/orchestration)",
    )
    .option("--json", "the same as the format json")
    .action((format: Format, options: Options) =>
      hq.run(() => show(hq, options.json ? "json" : format, options)),
    );
}

async function show(hq: Hq, format: Format, options: Options): Promise<number> {
  if (options.handoffs !== undefined) return showFolder(hq, format, options, options.handoffs);
  if (options.logs !== undefined) throw new Refusal("invalid_input", "--logs goes with --handoffs.");
  const { io } = hq;
  const client = hq.client("if-used");
  if (format === "prom") {
    if (options.since ?? options.agent ?? options.workflow) {
      throw new Refusal("invalid_input", "Prometheus gets the sums since the beginning, of everything.", {
        hint: "Leave out --since, --agent and --workflow: its queries choose from what it has.",
      });
    }
    const signal = new AbortController().signal;
    io.out(await text(await client.open({ path: "/metrics/prom" }, signal)));
    return 0;
  }
  const { since, agent, workflow } = options;
  const query = new URLSearchParams({
    ...(since === undefined ? {} : { since: `${since}ms` }),
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
  });
  const view = await client.ask<MetricsView>({ path: `/metrics?${query.toString()}` });
  io.out(format === "json" ? `${jsonText(view)}\n` : plainText(metricsText(view)));
  return 0;
}

async function showFolder({ io }: Hq, format: Format, options: Options, named: string): Promise<number> {
  if (format === "prom")
    throw new Refusal("invalid_input", "Files of the past are nothing for Prometheus: text or json.");
  const { since, agent, workflow, logs } = options;
  const figures = figuresOfFolder({
    folder: resolve(io.cwd, named),
    ...(logs === undefined ? {} : { logs: resolve(io.cwd, logs) }),
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
    now: io.now(),
  });
  io.out(format === "json" ? `${jsonText(figures)}\n` : plainText(endedText(figures)));
  const { skipped } = figures;
  if (format === "text" && skipped.length > 0) {
    const rest = skipped.length - MOST_NAMED;
    const lines = skipped.slice(0, MOST_NAMED).map(({ path, why }) => `  ${path}: ${why}\n`);
    io.err(
      plainText(
        `${skipped.length} not counted:\n${lines.join("")}${rest > 0 ? `  and ${rest} more; --json names all\n` : ""}`,
      ),
    );
  }
  if (format === "text" && figures.logs.broken > 0) {
    io.err(plainText(`${figures.logs.broken} lines in ${figures.logs.folder} are no JSON.`));
  }
  return 0;
}

function parseFormat(word: string): Format {
  const format = FORMATS.find((one) => one === word);
  if (format) return format;
  throw new InvalidArgumentError(`It is ${FORMATS.join(", ")}.`);
}

function parseBack(said: string): number {
  const ms = parseDuration(said);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError("Write a span like 90m, 24h or 7d.");
}
