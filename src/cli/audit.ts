import type { Command } from "commander";
import { FAULTS } from "../domain/audit-types.ts";
import type { AcceptedGap, AcceptedNow } from "../engine/accept-missing.ts";
import type { AuditReport } from "../engine/audit.ts";
import type { Mended } from "../engine/mend.ts";
import { Refusal } from "../kernel/refusal.ts";
import { counted, oneLine } from "../kernel/text.ts";
import { findHome } from "./home.ts";
import type { Hq } from "./hq.ts";
import { readInstallation } from "./installation.ts";
import type { Io } from "./io.ts";
import { instant, jsonText, table } from "./print.ts";
import { findRunning } from "./running.ts";
import { parseSince } from "./since.ts";
import { reportOf } from "./told-lines.ts";

const FOUND = 1;

type Options = {
  readonly prove?: true;
  readonly mend?: true;
  readonly accept?: readonly string[];
  readonly reason?: string;
  readonly dryRun?: true;
  readonly since?: number;
  readonly json?: true;
};
type Report = AuditReport & { readonly mended?: readonly Mended[] };

export function registerAudit(program: Command, hq: Hq): void {
  program
    .command("audit")
    .description(
      "compare ledger, outbox, folders and Discord: what is lost, doubled, stuck, orphaned, unseen",
    )
    .option("--prove", "look, and print each finding with what mends it (also without this word)")
    .option("--mend", "mend what can be mended; no agent's work is ever done twice")
    .option(
      "--accept <id...>",
      "messages that somebody deleted on purpose are not missed: a delivery, what it tells of, or a message",
    )
    .option("--reason <text>", "with --accept: why that is well")
    .option("--dry-run", "with --mend: only say what would be done")
    .option("--since <when>", "only what was written to since: 24h, 7d, 2026-02-17", parseSince(hq.io.now))
    .option("--json", "print JSON")
    .action((options: Options) => hq.run(() => audit(hq, options)));
}

async function audit(hq: Hq, options: Options): Promise<number> {
  const { io } = hq;
  if ([options.prove, options.mend, options.accept].filter(Boolean).length > 1) {
    throw new Refusal(
      "invalid_input",
      "--prove only looks, --mend changes, --accept says that it is well: choose one.",
    );
  }
  if (options.dryRun && !options.mend) {
    throw new Refusal("invalid_input", "--dry-run belongs to --mend.", {
      hint: "Without --mend nothing is changed.",
    });
  }
  if (options.reason !== undefined && !options.accept) {
    throw new Refusal("invalid_input", "--reason belongs to --accept.");
  }
  if (options.accept) return accept(hq, options.accept, options);
  const report = await look(hq, options);
  if (options.json) io.out(`${jsonText(report)}\n`);
  else print(io, report);
  const left = options.mend
    ? (report.mended ?? []).filter(({ isMended }) => !isMended).length
    : report.findings.length;
  return left > 0 || report.more > 0 ? FOUND : 0;
}

async function accept(hq: Hq, ids: readonly string[], { reason, since, json }: Options): Promise<number> {
  const { io } = hq;
  const body = {
    ids,
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { since }),
  };
  const call = { method: "POST", path: "/audit/accept", body } as const;
  const report = await reportOf<{ readonly accepted: readonly AcceptedNow[] }>(io, hq.client(), call);
  if (json) io.out(`${jsonText(report)}\n`);
  else {
    for (const one of report.accepted) {
      io.out(`${one.isNew ? `accepted ${one.id}` : `${one.id} was accepted before`}${byOf(one)}\n`);
    }
  }
  return 0;
}

function byOf({ by, at, why }: AcceptedGap): string {
  return oneLine(`, by ${by} at ${instant(at)}${why === undefined ? "" : `: ${why}`}`, 600);
}

async function look(hq: Hq, { since, mend, dryRun }: Options): Promise<Report> {
  const { io } = hq;
  const isRunning = (await findRunning(findHome(io).home)) !== undefined;
  if (!isRunning && !mend) return lookOffline(io, since);
  const body = {
    ...(since === undefined ? {} : { since }),
    ...(mend ? { mend } : {}),
    ...(dryRun ? { dry: dryRun } : {}),
  };
  return reportOf<Report>(io, hq.client(), { method: "POST", path: "/audit", body });
}

async function lookOffline(io: Io, since: number | undefined): Promise<Report> {
  const { loadConfig } = await import("../config/load.ts");
  const { auditOffline } = await import("../app/audit.ts");
  const { place } = readInstallation(io);
  const loaded = loadConfig(place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", `The configuration in ${place.dir} is not valid.`, {
      hint: "`hq check` says what is wrong in it.",
    });
  }
  const { config } = loaded;
  const { databaseOf } = await import("../app/store.ts");
  const database = databaseOf(place.env, config);
  const here = { home: place.home, config: () => config, now: io.now, ...(database ? { database } : {}) };
  return auditOffline(here, since === undefined ? {} : { since });
}

function print(io: Io, { counts, findings, accepted, more, looked, notLooked, mended }: Report): void {
  if (mended && mended.length > 0) {
    const rows = mended.map(({ finding: { fault, id, reason }, done }) => [fault, id, done, reason]);
    io.out(table([["FAULT", "ID", "DONE", "WHY"], ...rows], 200));
  } else if (findings.length > 0) {
    for (const { fault, id, reason, mend } of findings) {
      io.out(`${oneLine(`${fault} ${id}: ${reason}`, 600)}\n    ${oneLine(mend, 300)}\n`);
    }
  }
  for (const one of accepted) io.out(`accepted ${one.id}: ${oneLine(one.reason, 300)}${byOf(one)}\n`);
  if (more > 0) io.out(`… and ${more} more; --since looks at less.\n`);
  const all = FAULTS.map((fault) => `${fault} ${counts[fault]}`);
  if (accepted.length > 0) all.push(`accepted ${accepted.length}`);
  io.out(`${all.join(" · ")}\n`);
  const { rows, files, messages } = looked;
  io.err(
    `Looked at ${counted(rows, "row")} of the ledger, ${counted(files, "file")}, ${counted(messages, "message")} in Discord.\n`,
  );
  if (notLooked) io.err(`Not looked at: ${notLooked}.\n`);
}
