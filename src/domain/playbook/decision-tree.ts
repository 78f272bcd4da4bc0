const PATTERNS = ["inline", "fan-out", "pipeline", "panel", "map-reduce", "supervisor"] as const;
export type Pattern = (typeof PATTERNS)[number];

export type TreeQuestion = {
  readonly key: string;
  readonly text: string;
  /** What a yes comes to; a no leads to the next question. */
  readonly yes: Pattern;
};

/** In the order in which they are asked. */
export const TREE: readonly TreeQuestion[] = [
  { key: "single", text: "Is it a single piece of work of less than 5 minutes?", yes: "inline" },
  { key: "independent", text: "Are its parts independent of each other?", yes: "fan-out" },
  { key: "sequential", text: "Does each step need what the one before brought?", yes: "pipeline" },
  { key: "opinions", text: "Is it a decision that several experts should judge?", yes: "panel" },
  { key: "dataset", text: "Is it a long list to go through, and then to sum up?", yes: "map-reduce" },
  { key: "judgment", text: "Does somebody have to judge on the way what comes next?", yes: "supervisor" },
];

export type WalkedQuestion = { readonly key: string; readonly text: string; readonly answer: boolean };
export type Walk = {
  readonly path: readonly WalkedQuestion[];
  /** Absent = `next` is to be answered first. */
  readonly pattern?: Pattern;
  readonly next?: TreeQuestion;
};

/** As far through the tree as the answers lead. Six times no is a plan for nobody: it is done inline. */
export function walkTree(answers: Readonly<Record<string, boolean>>): Walk {
  const path: WalkedQuestion[] = [];
  for (const question of TREE) {
    const { key, text, yes } = question;
    const answer = answers[key];
    if (answer === undefined) return { path, next: question };
    path.push({ key, text, answer });
    if (answer) return { path, pattern: yes };
  }
  return { path, pattern: "inline" };
}

/** A line for each question on the way, and where it ends. */
export function walkText({ path, pattern }: Walk): string {
  const lines = path.map(({ text, answer }) => `${text} ${answer ? "yes" : "no"}`);
  const isLost = path.length === TREE.length && path.every(({ answer }) => !answer);
  const end = isLost ? "inline: no pattern fits; do it yourself, or cut it differently" : pattern;
  return [...lines, ...(end === undefined ? [] : [`→ ${end}`])].map((line) => `${line}\n`).join("");
}

/** Below 5 minutes a plan costs more than it brings, above 15 it always pays. */
export function ruleOfThumb(minutes: number): string {
  if (minutes < 5) return "less than 5 minutes: do it inline";
  return minutes <= 15 ? "5 to 15 minutes: a plan may pay" : "more than 15 minutes: plan it";
}
