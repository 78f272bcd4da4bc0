import { modelText } from "../domain/model-choice.ts";
import type { PlannedStep, RunPlan } from "../domain/run-plan.ts";
import { oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { table } from "./print.ts";

/** A plan for people: what begins together, who does it and why, where people are asked. */
export function planText(plan: RunPlan): string {
  const { workflow, inputs, waves, estimatedMs, warnings } = plan;
  const steps = waves.flat();
  const gates = steps.filter(({ kind }) => kind === "approval").map(({ id }) => id);
  const time =
    estimatedMs === undefined ? "not known, there is no history" : `about ${formatDuration(estimatedMs)}`;
  const facts: (readonly [string, string])[] = [
    ["workflow", workflow],
    ...Object.entries(inputs).map(([name, value]) => ["input", `${name}=${value}`] as const),
    ["steps", `${steps.length} in ${waves.length} ${waves.length === 1 ? "wave" : "waves"}`],
    ["gates", gates.length === 0 ? "none" : gates.join(", ")],
    ["prompts", costText(plan)],
    ["time", gates.length === 0 ? time : `${time}, and as long as people take`],
  ];
  const head = facts.map(([name, value]) => `${name.padEnd(9)} ${oneLine(value, 600)}\n`);
  const rows = waves.flatMap((wave, i) =>
    wave.map((step) => [
      String(i + 1),
      step.id,
      step.agent ?? step.kind,
      step.needs.length === 0 ? "–" : step.needs.join(", "),
      step.estimatedMs === undefined ? "–" : formatDuration(step.estimatedMs),
      noteOf(step),
    ]),
  );
  const warned = warnings.map((warning) => `warning: ${oneLine(warning, 400)}\n`);
  return [
    ...head,
    `\n${table([["WAVE", "STEP", "WHO", "NEEDS", "TIME", "WHY"], ...rows], 160)}`,
    ...warned,
    "Nothing was called, posted or written.\n",
  ].join("");
}

/** Words × workers, and the price where there is one. */
function costText({ cost: { words, workers, isAtLeast, usd } }: RunPlan): string {
  const count = `${words} words for ${workers} ${workers === 1 ? "worker" : "workers"}`;
  const price = usd === undefined ? "" : `, about ${usd.toFixed(4)} USD to read`;
  return `${isAtLeast ? "at least " : ""}${count}${price}; what steps hand on comes on top`;
}

function noteOf({ kind, why, model, approvers, if: condition, forEach }: PlannedStep): string {
  const notes = [
    ...(why === undefined ? [] : [why]),
    ...(model ? [`model ${modelText(model)}`] : []),
    ...(kind === "approval" ? [`by ${approvers?.join(", ") || "whoever may operate"}`] : []),
    ...(forEach === undefined ? [] : [`for each of ${forEach}`]),
    ...(condition === undefined ? [] : [`if ${condition}`]),
  ];
  return notes.join("; ");
}
