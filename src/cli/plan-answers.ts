import type { Registry } from "../domain/agent-card.ts";
import { type Pattern, TREE, type Walk, walkTree } from "../domain/playbook/decision-tree.ts";
import { type Detail, detailsOf, readDetail } from "../domain/playbook/plan-details.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import type { Asking } from "./asking.ts";

/** Answers as they were given: to the questions of the tree, and to those of a pattern. */
export type GivenAnswers = Readonly<Record<string, unknown>>;

const YES = ["true", "yes", "y", "1"];
const NO = ["false", "no", "n", "0"];
const PATTERN_KEYS = ["goal", "by", "agents", "parts", "stages", "roles", "criteria", "rounds"];
const KEYS = [...TREE.map(({ key }) => key), "minutes", ...PATTERN_KEYS];

/** Yes and no of the tree's questions; what is neither, and names of no question, are problems. */
export function readTreeAnswers(given: GivenAnswers): {
  readonly answers: Readonly<Record<string, boolean>>;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = Object.keys(given)
    .filter((key) => !KEYS.includes(key))
    .map((key) => {
      const near = nearest(key, KEYS);
      const hint = near === undefined ? `there are: ${KEYS.join(", ")}` : `did you mean "${near}"?`;
      return { path: key, message: `answers no question (${hint})` };
    });
  const { minutes } = given;
  if (minutes !== undefined && !(Number(minutes) > 0))
    problems.push({ path: "minutes", message: "must be a number above 0" });
  const answers: Record<string, boolean> = {};
  for (const { key } of TREE) {
    if (given[key] === undefined) continue;
    const said = given[key];
    const word = (typeof said === "string" ? said : JSON.stringify(said)).trim().toLowerCase();
    if (YES.includes(word) || NO.includes(word)) answers[key] = YES.includes(word);
    else problems.push({ path: key, message: "must be yes or no" });
  }
  return { answers, problems };
}

/** The way through the tree; what is not answered is asked. Undefined = given up. */
export async function walkWith(
  answers: Readonly<Record<string, boolean>>,
  asking: Asking | undefined,
  signal: AbortSignal,
): Promise<Walk | undefined> {
  const known: Record<string, boolean> = { ...answers };
  for (;;) {
    const walk = walkTree(known);
    if (!walk.next) return walk;
    const { key, text } = walk.next;
    if (!asking) throw unanswered([{ path: key, message: `is needed: ${text} (yes or no)` }]);
    const choices = [
      { value: "yes", label: "Yes" },
      { value: "no", label: "No" },
    ];
    const said = await asking.choose(text, choices, signal);
    if (said === undefined) return undefined;
    known[key] = said === "yes";
  }
}

/** Asks for what a pattern needs and was not given; each answer until it can be read. Undefined = given up. */
export async function askDetails(
  pattern: Pattern,
  given: GivenAnswers,
  registry: Registry,
  asking: Asking,
  signal: AbortSignal,
): Promise<GivenAnswers | undefined> {
  const answers: Record<string, unknown> = { ...given };
  for (const detail of detailsOf(pattern)) {
    if (answers[detail.key] !== undefined) continue;
    const answer = await askOne(detail, registry, asking, signal);
    if (answer === undefined) return undefined;
    answers[detail.key] = answer;
  }
  return answers;
}

async function askOne(
  detail: Detail,
  registry: Registry,
  asking: Asking,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ids = registry.agents.map(({ id }) => id);
  if (detail.type === "agent") {
    const choices = ids.map((id) => ({ value: id, label: id }));
    return asking.choose(detail.text, choices, signal);
  }
  const form = { list: " (separated by commas)", agents: ` (of ${ids.join(", ")})`, text: "", count: "" }[
    detail.type
  ];
  const usual = detail.default === undefined ? "" : ` [${detail.default}]`;
  for (let wrong = ""; ; ) {
    const said = await asking.write(`${wrong}${detail.text}${form}${usual}`, signal);
    if (said === undefined) return undefined;
    const read = readDetail(detail, said, registry);
    if (read.ok) return said;
    wrong = `That ${read.message}. `;
  }
}

export function unanswered(problems: readonly Problem[]): Refusal {
  return new Refusal("invalid_input", "The plan cannot be made of these answers.", {
    problems,
    hint: "Answer with --answer key=value or --answers file.json, or run hq plan on a terminal, which asks.",
  });
}
