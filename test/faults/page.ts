import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSoak, renderSoak, type SoakFigures } from "../soak/figures.ts";
import { ROOT } from "../support/supervisor.ts";
import { type Row, readSections, type Section, shownBy } from "./rows.ts";

export const PAGE = join(ROOT, "docs/reliability.md");
export const RUN_FILE = join(ROOT, "test/faults/last-run.json");

export const readLastRun = (): LastRun =>
  existsSync(RUN_FILE)
    ? (JSON.parse(readFileSync(RUN_FILE, "utf8")) as LastRun)
    : { node: "", tests: {}, counts: [] };

/** How a fault's tests and the counted runs ended last; kept in test/faults/last-run.json. */
export type LastRun = {
  readonly node: string;
  /** By file and title as they are written: how many tests of that title ran, and how many of these passed. */
  readonly tests: Readonly<Record<string, { readonly ran: number; readonly passed: number }>>;
  /** Kills and power losses: one line of the first table each. */
  readonly counts: readonly Counted[];
};

export type Counted = {
  readonly what: string;
  readonly injected: number;
  /** What was asked for, in words. */
  readonly asked: string;
  readonly lost: number;
  readonly doubled: number;
  readonly unseen: number;
};

export const keyOf = (file: string, title: string) => `${file} › ${title}`;

export type Outcome = "passed" | "failed" | "not run";

/** The worst of what a row's tests came to. */
export function outcomeOf(row: Row, { tests }: LastRun): { readonly outcome: Outcome; readonly ran: number } {
  const found = shownBy(row).map(({ file, title }) => tests[keyOf(file, title)]);
  const ran = found.reduce((sum, one) => sum + (one?.ran ?? 0), 0);
  if (found.some((one) => one !== undefined && one.passed < one.ran)) return { outcome: "failed", ran };
  if (found.some((one) => one === undefined || one.ran === 0)) return { outcome: "not run", ran };
  return { outcome: "passed", ran };
}

const HEAD = `# Reliability

What is done to the product on purpose, the tests that do it, what a person sees of it, and how that ended when it was done last. This page is written by \`npm run test:faults\` from \`test/faults/rows\` and from what its tests reported, and its soak by \`npm run soak\`; \`test/faults/table.test.ts\` fails when it is not.
`;

/** docs/reliability.md. */
export function renderPage(
  lastRun: LastRun = readLastRun(),
  sections: readonly Section[] = readSections(),
  soak: SoakFigures | undefined = readSoak(),
): string {
  const rows = sections.flatMap((section) => section.rows);
  const ends = rows.map((row) => outcomeOf(row, lastRun));
  const count = (outcome: Outcome) => ends.filter((end) => end.outcome === outcome).length;
  const tests = Object.values(lastRun.tests).reduce((sum, { ran }) => sum + ran, 0);
  return [
    HEAD,
    "## The last run",
    "",
    `Node ${lastRun.node}. ${rows.length} faults, ${tests} tests: ${count("passed")} faults passed, ${count("failed")} failed, ${count("not run")} not run.`,
    "",
    "| what | times | under | lost | doubled | unseen |",
    "|---|--:|---|--:|--:|--:|",
    ...[...lastRun.counts, totalOf(lastRun.counts)].map(
      ({ what, injected, asked, lost, doubled, unseen }) =>
        `| ${what} | ${injected.toLocaleString("en-US")} | ${asked} | ${lost} | ${doubled} | ${unseen} |`,
    ),
    "",
    ...brokenOff(lastRun.counts),
    "Lost: acknowledged and not settled exactly once. Doubled: sent or done twice without being marked ambiguous. Unseen: settled and not in its channel exactly once.",
    "",
    "## An hour of mixed faults",
    "",
    soak ? renderSoak(soak) : "`npm run soak` has not been run yet.",
    "",
    ...sections.flatMap((section) => [
      `## ${section.title}`,
      "",
      ...(section.intro === undefined ? [] : [section.intro, ""]),
      "| fault | how it is made | what a person sees | shown by | last run |",
      "|---|---|---|---|---|",
      ...section.rows.map((row) => renderRow(row, lastRun)),
      "",
    ]),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

function renderRow(row: Row, lastRun: LastRun): string {
  const { outcome, ran } = outcomeOf(row, lastRun);
  const shown = Object.entries(row.shown).map(
    ([file, titles]) => `[${nameOf(file)}](../${file}): ${titles.join(" · ")}`,
  );
  return `| ${[row.fault, row.injected, row.seen, shown.join("<br>"), `${outcome} (${ran})`].map(inCell).join(" | ")} |`;
}

/** A whole run kills and cuts so often. */
const WHOLE = { kills: 1000, losses: 200 };

function brokenOff(counts: readonly Counted[]): readonly string[] {
  const times = (isIt: (what: string) => boolean) =>
    counts.filter(({ what }) => isIt(what)).reduce((sum, { injected }) => sum + injected, 0);
  const kills = times((what) => what.startsWith("`kill -9`"));
  const losses = times((what) => what.startsWith("power"));
  if (kills >= WHOLE.kills && losses >= WHOLE.losses) return [];
  return [
    `**This run was broken off**: ${kills} of ${WHOLE.kills.toLocaleString("en-US")} kills and ${losses} of ${WHOLE.losses} power losses.`,
    "",
  ];
}

const inCell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const nameOf = (file: string) => file.replace(/^test\//, "").replace(/\.test\.ts$/, "");

function totalOf(counts: readonly Counted[]): Counted {
  const sum = (field: "injected" | "lost" | "doubled" | "unseen") =>
    counts.reduce((all, one) => all + one[field], 0);
  return {
    what: "**all**",
    injected: sum("injected"),
    asked: "",
    lost: sum("lost"),
    doubled: sum("doubled"),
    unseen: sum("unseen"),
  };
}
