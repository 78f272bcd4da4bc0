import { saySchema } from "../domain/supervise.ts";
import { agentNamed } from "./workflow-agents.ts";
import type { Path } from "./workflow-findings.ts";
import { type Common, nameProblem, onlyIf, type Places, type ToTask } from "./workflow-panel.ts";
import type { StepEntry, SuperviseEntry } from "./workflow-schema.ts";
import type { PlacedStep, StepSurroundings } from "./workflow-steps.ts";

/** More pieces in a round are more than anybody looks over. */
const MOST_PIECES = 6;

/**
 * Supervised work as ordinary steps: in each round the supervising agent is asked what is next, and its pieces are a
 * fan-out over the workers that it named. The bound and every start stay with the coordinator.
 */
export function superviseSteps(
  common: Common,
  entry: StepEntry,
  { path, needsAt }: Places,
  around: Pick<StepSurroundings, "file" | "findings" | "registry">,
  toTask: ToTask,
): readonly PlacedStep[] {
  const { supervise } = entry;
  if (!supervise) throw new Error(`step ${common.id} supervises nothing`);
  const { id, needs, cleanup, if: condition } = common;
  const at = [...path, "supervise"];
  const agent = agentNamed(supervise.supervisor, [...at, "supervisor"], around);
  const workers = workersOf(supervise, at, around);
  const { max_parallel: maxParallel } = around.file.limits;
  const rounds = Array.from({ length: supervise.max_rounds }, (_, n) => ({
    ask: `${id}-ask-${n + 1}`,
    work: `${id}-work-${n + 1}`,
  }));
  const names = rounds.flatMap(({ ask, work }) => [ask, work]);
  const problem = names
    .map((name) => nameProblem(name, new Set(Object.keys(around.file.steps))))
    .find(Boolean);
  if (problem) around.findings.problem(path, problem, "give this step a shorter or another name", "key");
  const expect = { file: "a round of supervision", schema: saySchema(workers, MOST_PIECES) };
  const plain = toTask({ ...entry, task: pieceText(supervise), format: "json" }, at);
  const shared = { cleanup, continueOnError: true } as const;
  const steps = rounds.flatMap(({ ask, work }, n): readonly PlacedStep[] => {
    const before = rounds.slice(0, n).map((round) => round.work);
    const lead = { ...plain, agent, task: askText(supervise, workers, before), expect };
    return [
      {
        path,
        needsAt,
        taskAt: [...at, "goal"],
        ...(n > 0 ? { isChecked: true } : {}),
        step: {
          id: ask,
          ...shared,
          needs: n === 0 ? needs : before.slice(-1),
          ...(n === 0 && condition !== undefined ? { if: condition } : {}),
          action: lead,
        },
      },
      {
        path,
        needsAt: at,
        isChecked: true,
        step: {
          id: work,
          ...shared,
          needs: [ask],
          if: onlyIf(cleanup, `steps.${ask}.output.next && !steps.${ask}.output.done`),
          forEach: { expression: `steps.${ask}.output.next`, maxParallel },
          action: { ...plain, workers },
        },
      },
    ];
  });
  const { if: _, ...rest } = common;
  const last: PlacedStep = {
    path,
    needsAt: at,
    isChecked: true,
    step: {
      ...rest,
      needs: names,
      if: `always() && ${cleanup ? "" : "!cancelled() && "}steps.${id}-ask-1.status != 'skipped'`,
      action: { kind: "conclusion", of: { kind: "supervise", rounds } },
    },
  };
  return [...steps, last];
}

function workersOf(
  { workers }: SuperviseEntry,
  at: Path,
  around: Pick<StepSurroundings, "registry" | "findings">,
): readonly string[] {
  return [...new Set(workers.map((word, index) => agentNamed(word, [...at, "workers", index], around)))];
}

function askText(
  { goal, max_rounds: most }: SuperviseEntry,
  workers: readonly string[],
  before: readonly string[],
): string {
  const round = before.length + 1;
  const came = before.map((work, n) => `Round ${n + 1}: \${{ steps.${work}.result }}`);
  return `You lead this work. The coordinator starts what you name, and asks you again when it is done; start nothing yourself.

Goal: ${goal.trim()}

Workers: ${workers.join(", ")}. This is round ${round} of ${most}.${round === most ? " It is the last one: hand in what there is." : ""}
${came.length > 0 ? `\nWhat came of each piece so far:\n${came.join("\n")}\n` : ""}
Answer with one JSON value:
- \`done\`: true when the goal is reached; \`result\` is then the whole deliverable.
- else \`next\`: 1 to ${MOST_PIECES} pieces of work, each with the \`agent\` that does it and its \`task\`. A worker sees its task and nothing else.
- A piece that failed can go to another worker, or be cut differently. Say in \`result\` what is missing in the end.`;
}

function pieceText({ goal }: SuperviseEntry): string {
  return `Carry out this one piece of work, and nothing beyond it: \${{ item.task }}

It is a part of this: ${goal.trim()}`;
}
