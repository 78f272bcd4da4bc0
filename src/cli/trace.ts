import type { Command } from "commander";
import type { Trace, TraceLine, TraceTotals } from "../domain/trace-types.ts";
import { counted, cut, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Hq } from "./hq.ts";
import { instant, jsonText } from "./print.ts";

export function registerTrace(program: Command, hq: Hq): void {
  program
    .command("trace")
    .description("the whole story of one id, from the first message to the last one about it, with times")
    .argument("<id>", "of a delegation, run, task, worker, delivery, command or message")
    .option("--json", "print JSON")
    .action((id: string, { json }: { json?: true }) =>
      hq.run(async () => {
        const path = `/trace/${encodeURIComponent(id)}`;
        const trace = await hq.client("if-used").ask<Trace>({ path });
        hq.io.out(json ? `${jsonText(trace)}\n` : traceText(trace, hq.io.now()));
        return 0;
      }),
    );
}

/** A line for each thing that happened: when since the question, how long it took, what it was. */
function traceText(trace: Trace, nowMs: number): string {
  const { id, title, status, askedAt, settledAt, parent, lines, untold, omitted } = trace;
  const whole =
    settledAt === undefined
      ? `for ${formatDuration(nowMs - askedAt)}`
      : `after ${formatDuration(settledAt - askedAt)}`;
  const head = [
    `${id} · ${oneLine(title, 100)} · ${status} ${whole}`,
    `asked at ${instant(askedAt)}${parent === undefined ? "" : `, for ${parent} (hq trace ${parent})`}`,
  ];
  const before = lines.filter(({ at, what }) => at <= nowMs || what !== "open");
  const later = lines.filter((line) => !before.includes(line));
  const names = new Map(trace.children.map((child) => [child.id, shortName(child.id, id)]));
  const rows = before.map((line) => rowOf(line, askedAt, names));
  const parts = [`${head.map((line) => `${oneLine(line, 200)}\n`).join("")}\n`, columns(rows), "\n"];
  if (later.length > 0) {
    const due = later.map((line) => rowOf(line, askedAt, names));
    parts.push("Still to come:\n", columns(due), "\n");
  }
  parts.push(totalsTable(trace));
  if (untold > 0)
    parts.push(`${untold} more that were begun for it are not told: ask for them by their ids.\n`);
  if (omitted > 0)
    parts.push(
      `${counted(omitted, "event in the middle is", "events in the middle are")} left out: \`hq logs\` prints all.\n`,
    );
  return parts.join("");
}

type Row = readonly [since: string, took: string, text: string];

function rowOf(line: TraceLine, askedAt: number, names: ReadonlyMap<string, string>): Row {
  const { at, depth, subject, what, text, tookMs, message } = line;
  const name = names.get(subject);
  const where = message ? `  [message ${message.id} in ${message.channel}]` : "";
  const who = name === undefined ? "" : `${name}  `;
  const since = at < askedAt ? `−${formatDuration(askedAt - at)}` : `+${formatDuration(at - askedAt)}`;
  const took = tookMs === undefined ? "" : formatDuration(tookMs);
  return [since, took, `${"  ".repeat(depth)}${who}${what}: ${text}${where}`];
}

/** Two narrow columns to the right, then the words as they are: an indent means something here. */
function columns(rows: readonly Row[]): string {
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length), 0);
  const [since, took] = [width(0), width(1)];
  return rows
    .map(([at, spent, text]) => `${at.padStart(since)}  ${spent.padStart(took)}  ${lineText(text)}\n`)
    .join("");
}

function lineText(text: string): string {
  const indent = /^ */.exec(text)?.[0] ?? "";
  return `${indent}${oneLine(text, 400)}`;
}

function totalsTable({ id, status, totals, children }: Trace): string {
  const rows = [
    ["", "STATUS", "WAITING", "WORKING", "PEOPLE", "POSTING", "ATTEMPTS", "MESSAGES"],
    ["in all", status, ...figures(totals)],
    ...children.map((child) => [
      `${"  ".repeat(child.depth)}${cut(shortName(child.id, id), 40)}`,
      child.status,
      ...figures(child.totals),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function figures(totals: TraceTotals): readonly string[] {
  const { waitingMs, workingMs, peopleMs, postingMs, attempts, messages } = totals;
  return [
    formatDuration(waitingMs),
    formatDuration(workingMs),
    peopleMs === 0 ? "–" : formatDuration(peopleMs),
    postingMs === undefined ? "–" : formatDuration(postingMs),
    String(attempts),
    String(messages),
  ];
}

/** A child's id begins with its parent's: what is left of it says which one it is. */
function shortName(child: string, root: string): string {
  return child.startsWith(`${root}.`) ? child.slice(root.length + 1) : child;
}
