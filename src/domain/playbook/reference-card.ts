/** The playbook on one page, in our commands. Left: the word; right: what to do. */
const CARD: readonly (readonly [string, string])[] = [
  [
    "PATTERNS",
    "fan-out (steps side by side) | pipeline (needs) | supervisor (supervise) | expert panel (panel) | map-reduce (for_each over partition, and a step behind it)",
  ],
  [
    "DECIDE",
    "< 5 min → inline | independent → fan-out | one after the other → pipeline | opinions → panel | a long list → map-reduce | judging on the way → supervisor. `hq plan` asks and writes the workflow",
  ],
  ["INLINE", '`hq delegate webster "…"`'],
  [
    "CONTEXT",
    "role + task + constraints + output format + <result> tags; cut everything else. At most 500 words. `hq templates list`, `hq templates preview code_review --files a,b`",
  ],
  [
    "START",
    "`hq workflow run <name> --dry-run` shows agents, words × workers and what is doubtful; without --dry-run it begins",
  ],
  [
    "TRACK",
    "every run keeps its own ledger: `hq workflow status <run>`, `hq logs <run>`. By hand: `hq batch create`, `hq batch update`, `hq batch status --brief` in a heartbeat",
  ],
  [
    "RETRY",
    "retry: { max_attempts: 3 } = 2 retries, each with the error. 3 failures stop what has not begun, and people are asked",
  ],
  [
    "WORKERS",
    "3 to 6 at once, 5 to 15 minutes each, one deliverable each. They send, publish and delete nothing: they hand such acts back as needs: lines",
  ],
  ["COST", "words × workers. The cheapest model that does it"],
  [
    "RECOVER",
    "a part is better than nothing, and says what is missing: `hq workflow retry <run>`, `hq workflow skip <run> <step>`, `hq workflow accept-partial <run>`",
  ],
];

const CHOICE: readonly (readonly [string, string])[] = [
  ["implement → test → deploy", "a pipeline of skills: `hq workflow pipeline`, with work items and hooks"],
  ["a known sequence, again and again", "a workflow file: `hq workflow run`"],
  ["30 alike pieces, once", "`hq plan` (fan-out or map-reduce), or by hand: `hq batch create`"],
  ["a review by several experts", "a panel step: `hq plan` (panel)"],
  ["looking around", "inline: `hq delegate`, `hq fanout`"],
];

const rows = (pairs: readonly (readonly [string, string])[]) => {
  const width = Math.max(...pairs.map(([word]) => word.length));
  return pairs.map(([word, text]) => `  ${word.padEnd(width)}  ${text}`);
};

/** `hq help patterns`. */
export const REFERENCE_CARD = [
  "The playbook on one page",
  "",
  ...rows(CARD),
  "",
  "Which of them for what",
  "",
  ...rows(CHOICE),
  "",
  "More: docs/guide/playbook.md",
  "",
].join("\n");

/** For `/help`: which pattern for what. */
export const SHORT_CARD =
  "**Which pattern?** Less than 5 minutes → `/delegate`. Independent parts → fan-out. Each step needs the one before → pipeline. Several opinions → panel. A long list → map-reduce. Judging on the way → supervisor. `hq plan` writes the workflow, `/workflow run` runs it.";
