import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { percentile, table } from "../../bench/report.ts";
import { ROOT } from "../support/supervisor.ts";
import { HELD_MS, type Look } from "./process.ts";
import { type Slope, slopeOf } from "./slope.ts";
import { IDLE_SLACK, type Soaked } from "./soak.ts";

/** What an hour of load came to: written by `npm run soak`, shown by docs/reliability.md. */
export type SoakFigures = {
  readonly command: string;
  readonly minutes: number;
  /** Before these, not counted in what grows. */
  readonly warmMinutes: number;
  readonly delegations: number;
  /** What its objects and buffers take right after the garbage was collected. */
  readonly memory: Slope;
  /** Bytes held with nothing under way: when it was warm, and at the end. */
  readonly rest: Soaked["rest"];
  /** What is resident then. */
  readonly resident: Slope;
  /** Resident as it is: the lowest and the highest, with what is still to be collected. */
  readonly waves: { readonly lowest: number; readonly highest: number };
  /** Open for long. */
  readonly files: Slope;
  readonly idleFiles: number;
  readonly filesAfter: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly ambiguous: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unseen: number;
  readonly troubles: Readonly<Record<string, number>>;
  /** By what lies in HQ_HOME: bytes and files. */
  readonly grown: Readonly<Record<string, { readonly bytes: number; readonly files: number }>>;
  readonly audit: { readonly code: number | null; readonly text: string };
};

export const SOAK_FILE = join(ROOT, "test/soak/last-run.json");
/** Runs that are shorter show nothing about hours. */
export const LEAST_MINUTES = 60;
const ALLOWED_PERCENT = 1;
const MB = 2 ** 20;

export const readSoak = (): SoakFigures | undefined =>
  existsSync(SOAK_FILE) ? (JSON.parse(readFileSync(SOAK_FILE, "utf8")) as SoakFigures) : undefined;

export function figuresOf(
  { ids, counted, rest, verdict, looks, collected, troubles, sizes, tookMs, idleFiles, filesAfter }: Soaked,
  given: Pick<SoakFigures, "command" | "minutes" | "warmMinutes" | "audit">,
): SoakFigures {
  const counts = ({ at }: Look) => at >= counted.from && at <= counted.until;
  const under = looks.filter(counts);
  // At rest connections are closed; those that are opened anew are open for long only then.
  const heldFrom = counted.from + Math.min(HELD_MS, (counted.until - counted.from) / 2);
  const resident = under.map((look) => look.resident);
  return {
    ...given,
    delegations: ids.length,
    memory: slopeOf(collected.filter(counts).map(({ at, live }) => ({ at, value: live }))),
    rest,
    resident: slopeOf(collected.filter(counts).map((look) => ({ at: look.at, value: look.resident }))),
    waves: { lowest: Math.min(...resident), highest: Math.max(...resident) },
    files: slopeOf(under.filter(({ at }) => at >= heldFrom).map(({ at, held }) => ({ at, value: held }))),
    idleFiles,
    filesAfter,
    p50Ms: Math.round(percentile(tookMs, 50)),
    p99Ms: Math.round(percentile(tookMs, 99)),
    ambiguous: verdict.ambiguous,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length + verdict.seenTwice.length,
    unseen: verdict.unseen.length,
    troubles: Object.fromEntries([...troubles].toSorted(([a], [b]) => a.localeCompare(b))),
    grown: Object.fromEntries([...sizes].filter(([, { bytes }]) => bytes >= 0.05 * MB)),
  };
}

/**
 * What the allocator keeps resident, and how many connections are kept open, goes up and down by several percent: of
 * those an hour shows only whether they grow at all. A leak is seen in what the program holds, or at rest.
 */
const isMemoryFlat = ({ memory, rest, minutes, resident }: SoakFigures) =>
  Math.abs(memory.percentPerHour) <= ALLOWED_PERCENT &&
  (rest.end / rest.warm - 1) * 100 <= (ALLOWED_PERCENT * minutes) / 60 &&
  resident.from <= ALLOWED_PERCENT;

const areFilesFlat = ({ files, idleFiles, filesAfter }: SoakFigures) =>
  files.from <= ALLOWED_PERCENT && filesAfter <= idleFiles + IDLE_SLACK;

export const isFlat = (figures: SoakFigures) => isMemoryFlat(figures) && areFilesFlat(figures);

export const isSoundSoak = ({ lost, doubled, unseen, audit }: SoakFigures) =>
  lost + doubled + unseen === 0 && audit.code === 0;

const flat = (isSo: boolean) => (isSo ? "flat" : "**not flat**");
const percent = (value: number) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(2)} %`;

/** The figures as Markdown, for terminals too. */
export function renderSoak(figures: SoakFigures): string {
  const { memory, rest, resident, waves, files, delegations, minutes, warmMinutes, grown, troubles } =
    figures;
  const perSecond = delegations / (warmMinutes + minutes) / 60;
  const atRest = `${(rest.warm / MB).toFixed(1)} MB after the warm-up, ${(rest.end / MB).toFixed(1)} MB at the end`;
  const row = (name: string, mean: string, { percentPerHour, from, to, samples }: Slope) => [
    name,
    mean,
    percent(percentPerHour),
    `${percent(from)} … ${percent(to)}`,
    String(samples),
  ];
  return [
    `\`${figures.command}\`: ${delegations.toLocaleString("en-US")} delegations, ${perSecond.toFixed(1)} a second, in ${minutes} minutes that are counted after ${warmMinutes} that warm up: what is compiled, cached and pooled then stays.`,
    table(
      ["", "mean", "an hour", "95 % interval", "samples"],
      [
        row("memory held, MB", (memory.mean / MB).toFixed(1), memory),
        row("memory resident, MB", (resident.mean / MB).toFixed(1), resident),
        row("files open for five minutes or longer", files.mean.toFixed(1), files),
      ],
    ),
    `Memory is taken right after a collection: what objects and buffers hold, and what is resident with all that the allocator keeps for later. Memory is ${flat(isMemoryFlat(figures))} and files are ${flat(areFilesFlat(figures))} (what is held within ±${ALLOWED_PERCENT} % an hour, at rest too; of what is resident and of files no growth beyond that is shown). At rest, with nothing under way, it held ${atRest}. Between collections ${(waves.lowest / MB).toFixed(1)} to ${(waves.highest / MB).toFixed(1)} MB were resident. Open files when idle: ${figures.idleFiles} before the load, ${figures.filesAfter} after it. Asked to settled: p50 ${figures.p50Ms} ms, p99 ${figures.p99Ms} ms. Lost ${figures.lost} · doubled ${figures.doubled} · unseen ${figures.unseen} · marked ambiguous ${figures.ambiguous}.`,
    `\`hq audit --prove\`: exit ${figures.audit.code}, ${figures.audit.text.split("\n")[0] ?? ""}`,
    table(
      ["trouble", "times"],
      Object.entries(troubles).map(([name, times]) => [name, String(times)]),
    ),
    "What grows by itself is on the disk, and `hq prune` takes it away:",
    table(
      ["in HQ_HOME", "MB", "files", "bytes a delegation"],
      Object.entries(grown).map(([name, { bytes, files: count }]) => [
        name,
        (bytes / MB).toFixed(1),
        String(count),
        (bytes / delegations).toFixed(0),
      ]),
    ),
  ].join("\n\n");
}
