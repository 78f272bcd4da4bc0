import { spreadOf } from "./figures.ts";
import { CONFIDENCES } from "./handoff-types.ts";
import type { Fact } from "./tally.ts";

/** A file of a folder of handoffs. `path` is relative, with `/`; `text` is absent when it could not be read. */
export type OldFile = {
  readonly path: string;
  readonly text?: string;
  /** Why it was not read. */
  readonly why?: string;
  readonly modifiedAt: number;
};
export type Skipped = { readonly path: string; readonly why: string };
export type OldFigures = { readonly facts: readonly Fact[]; readonly skipped: readonly Skipped[] };
/** When the work under a run id began, as far as logs say; a handoff alone knows only when it was written. */
export type Begins = ReadonlyMap<string, number>;

/** The handoffs' words in ours. */
const STATUSES: Readonly<Record<string, string>> = {
  complete: "succeeded",
  completed: "succeeded",
  success: "succeeded",
  succeeded: "succeeded",
  partial: "partial",
  blocked: "blocked",
  failed: "failed",
  error: "failed",
  timeout: "timed_out",
  timed_out: "timed_out",
  canceled: "canceled",
  cancelled: "canceled",
  skipped: "canceled",
};
const IN_RUN = /^(?:.*\/)?workflows\/([^/]+)\/([^/]+)\.json$/;
/** `wf-<name>-<date>-<time>-<random>`, and ours with one stamp. */
const RUN_NAME = /^wf-(.+?)-(?:\d{8}-\d{6}-\w+|[0-9a-z]+)$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * What folders of the old tools tell: handoffs anywhere below it, and a folder for each run of a workflow. Whatever
 * does not fit is named, never guessed. The same run id twice is one handoff: steps are often there a second time.
 */
export function factsOfOldFiles(files: readonly OldFile[], begins: Begins): OldFigures {
  const facts: Fact[] = [];
  const skipped: Skipped[] = [];
  const seen = new Set<string>();
  const runs = new Map<string, { summary?: Fields; readonly steps: Fact[]; at: number }>();
  for (const file of inOrder(files)) {
    const read = fieldsOf(file);
    if ("why" in read) {
      skipped.push({ path: file.path, why: read.why });
      continue;
    }
    const { fields } = read;
    const [, run, step] = IN_RUN.exec(file.path) ?? [];
    if (run !== undefined && step === "summary") {
      runOf(runs, run).summary = fields;
      runOf(runs, run).at = instantOf(fields, ["timestamp", "completedAt", "finishedAt"]) ?? file.modifiedAt;
      continue;
    }
    const fact = handoffFact(fields, file, run, begins);
    if ("why" in fact) {
      skipped.push({ path: file.path, why: fact.why });
      continue;
    }
    if (run !== undefined) {
      const of = runOf(runs, run);
      of.steps.push(fact);
      of.at = Math.max(of.at, fact.at);
    }
    const id = textOf(fields, ["runId", "run_id"]) ?? file.path;
    // A step that no agent did is no handoff.
    if (seen.has(id) || (run !== undefined && id === run)) continue;
    seen.add(id);
    facts.push(fact);
  }
  for (const [id, run] of runs) facts.push(runFact(id, run));
  return { facts, skipped };
}

/** Steps of runs first, since they know the workflow that a handoff of the same id was written for. */
function inOrder(files: readonly OldFile[]): readonly OldFile[] {
  const inRun = files.filter(({ path }) => IN_RUN.test(path));
  return [...inRun, ...files.filter((file) => !inRun.includes(file))];
}

function runOf<T>(runs: Map<string, { summary?: Fields; steps: T[]; at: number }>, id: string) {
  const known = runs.get(id) ?? { steps: [], at: 0 };
  runs.set(id, known);
  return known;
}

function fieldsOf({ text, why }: OldFile): { readonly fields: Fields } | { readonly why: string } {
  if (text === undefined) return { why: why ?? "it cannot be read" };
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { fields: value as Fields };
    return { why: "it is no JSON object" };
  } catch (error) {
    return { why: `it is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function handoffFact(
  fields: Fields,
  file: OldFile,
  run: string | undefined,
  begins: Begins,
): Fact | { readonly why: string } {
  const said = textOf(fields, ["status"]);
  if (said === undefined) return { why: "it has no status, so it is no handoff" };
  const status = STATUSES[said.toLowerCase()];
  if (status === undefined) return { why: `its status ${JSON.stringify(said)} is none of a handoff` };
  const at = instantOf(fields, ["timestamp"]) ?? file.modifiedAt;
  const begunAt =
    begins.get(textOf(fields, ["runId", "run_id"]) ?? "") ?? instantOf(fields, ["startedAt", "started_at"]);
  const confidence = textOf(fields, ["confidence"])?.toLowerCase();
  return {
    kind: "delegation",
    at,
    agent: textOf(fields, ["agent"]) ?? "unknown",
    workflow: run === undefined ? "" : workflowOf(run, fields),
    status,
    figures: {
      counts: {
        n: 1,
        ...(CONFIDENCES.some((word) => word === confidence) ? { [`confidence.${confidence}`]: 1 } : {}),
      },
      ...worked(begunAt, at),
    },
  };
}

function runFact(
  id: string,
  { summary, steps, at }: { summary?: Fields; steps: readonly Fact[]; at: number },
): Fact {
  const said = summary && textOf(summary, ["status"])?.toLowerCase();
  return {
    kind: "run",
    at,
    agent: "",
    workflow: steps[0]?.workflow ?? workflowOf(id, summary ?? {}),
    // Without its summary nobody knows whether it went on.
    status: (said && STATUSES[said]) ?? "unfinished",
    figures: { counts: { n: 1 }, ...worked(summary && instantOf(summary, ["startedAt", "started_at"]), at) },
  };
}

function workflowOf(run: string, fields: Fields): string {
  return textOf(fields, ["workflow", "workflowName", "workflow_name"]) ?? RUN_NAME.exec(run)?.[1] ?? run;
}

function worked(from: number | undefined, to: number): Pick<Fact["figures"], "spans"> {
  return from === undefined || to < from ? {} : { spans: { working: spreadOf(from, to) } };
}

function textOf(fields: Fields, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "string" && value.trim() !== "") return value.trim();
  }
  return undefined;
}

/** ISO text, or a number of seconds or milliseconds. */
function instantOf(fields: Fields, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = fields[name];
    const at =
      typeof value === "string"
        ? Date.parse(value)
        : typeof value === "number"
          ? value < 1e11
            ? value * 1000
            : value
          : Number.NaN;
    if (Number.isFinite(at) && at > 0) return Math.round(at);
  }
  return undefined;
}

/** When each run id began, from lines of JSON; what does not parse is counted. */
export function beginsOf(lines: Iterable<string>): { readonly begins: Begins; readonly broken: number } {
  const begins = new Map<string, number>();
  let broken = 0;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const read = fieldsOf({ path: "", text: line, modifiedAt: 0 });
    if ("why" in read) {
      broken++;
      continue;
    }
    const { fields } = read;
    const run = textOf(fields, ["runId", "run_id"]);
    const at = instantOf(fields, ["at", "timestamp", "ts", "time"]);
    const event = textOf(fields, ["event", "type"]) ?? "";
    if (run === undefined || at === undefined || !/start|dispatch/i.test(event)) continue;
    begins.set(run, Math.min(begins.get(run) ?? at, at));
  }
  return { begins, broken };
}
