import type { Command } from "commander";
import type { PruneReport } from "../engine/prune.ts";
import { Refusal } from "../kernel/refusal.ts";
import { counted } from "../kernel/text.ts";
import { type Hq, parseSpan } from "./hq.ts";
import { instant, jsonText } from "./print.ts";
import { parseBytes } from "./since.ts";
import { reportOf } from "./told-lines.ts";

const DAY_MS = 86_400_000;

type Options = {
  readonly olderThan?: number;
  readonly keepSize?: number;
  readonly dryRun?: true;
  readonly json?: true;
};

export function registerPrune(program: Command, hq: Hq): void {
  program
    .command("prune")
    .description(
      "take out what ended long ago, with its files; never what is open or what something open needs",
    )
    .option("--older-than <span>", "what ended so long ago: 90d; at least a day", parseSpan)
    .option("--keep-size <bytes>", "the oldest, until the ledger takes no more than this: 10GB", parseBytes)
    .option("--dry-run", "only say what and how much would go")
    .option("--json", "print JSON")
    .action((options: Options) => hq.run(() => prune(hq, options)));
}

async function prune(hq: Hq, { olderThan, keepSize, dryRun, json }: Options): Promise<number> {
  const { io } = hq;
  if (olderThan === undefined && keepSize === undefined) {
    throw new Refusal("invalid_input", "Say what is to go: --older-than 90d, or --keep-size 10GB.");
  }
  if (olderThan !== undefined && olderThan < DAY_MS) {
    throw new Refusal("invalid_input", "--older-than is at least a day: 1d.", {
      hint: "Requests that are repeated, and handoffs that come late, are known again for that long.",
    });
  }
  const body = {
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
    ...(keepSize === undefined ? {} : { keepBytes: keepSize }),
    ...(dryRun ? { dry: dryRun } : {}),
  };
  const report = await reportOf<PruneReport>(io, hq.client("always"), {
    method: "POST",
    path: "/prune",
    body,
  });
  if (json) io.out(`${jsonText(report)}\n`);
  else io.out(textOf(report));
  return 0;
}

function textOf({
  before,
  dry,
  streams,
  events,
  effects,
  receipts,
  keys,
  files,
  ledger,
}: PruneReport): string {
  const megabytes = (bytes: number) => `${(bytes / 1048576).toFixed(1)} MB`;
  const rows = dry
    ? ""
    : ` (${counted(events, "event")}, ${counted(effects, "effect")}, ${counted(receipts, "receipt")}, ${counted(keys, "key")})`;
  return [
    `${dry ? "Would take out" : "Took out"} ${counted(streams, "stream")} that ended before ${instant(before)}${rows}\n`,
    `${dry ? "Would remove" : "Removed"} ${counted(files.count, "file or folder", "files and folders")}, ${megabytes(files.bytes)}\n`,
    `The ledger takes ${megabytes(ledger.bytes)}, of which ${megabytes(ledger.freeBytes)} are free for new work\n`,
  ].join("");
}
