import { oneLine } from "../kernel/text.ts";
import { valuesOf } from "../kernel/vector.ts";
import { type Draft, settle } from "./run-draft.ts";
import { definitionAt, itemsLeft, stepOf } from "./run-tally.ts";
import type { Outcome, RunState, StepState, WorkState } from "./run-types.ts";

const LONGEST_LIST = 64 * 1024;

/** Settles a fan-out of which nothing runs and nothing more begins. */
export function finishFanOut(draft: Draft, index: number, now: number): void {
  const step = stepOf(draft.state, index);
  if (step.status !== "running" || !step.itemCounts || step.itemCounts.running > 0) return;
  if (itemsLeft(step) > 0 && !step.ending) return;
  settle(draft, definitionAt(draft.state, index).id, step, fanOutOutcome(draft.state, step, now));
}

type Counts = {
  readonly size: number;
  readonly good: number;
  readonly failed: number;
  readonly partial: number;
  readonly canceled: number;
  readonly unbegun: number;
};

function countsOf({ items, itemCounts }: StepState): Counts {
  if (!items || !itemCounts) throw new Error("a step without items is no fan-out");
  const { settled, failed, partial, canceled } = itemCounts;
  const good = settled - failed - partial - canceled;
  return { size: items.size, good, failed, partial, canceled, unbegun: items.size - settled };
}

/** What all its items together came to. */
function fanOutOutcome(state: RunState, step: StepState, now: number): Outcome {
  const counts = countsOf(step);
  const status = statusOf(state, step, counts);
  return {
    status,
    at: now,
    ...(status === "succeeded" ? {} : { reason: reasonOf(state, step, counts) }),
    ...valuesOfItems(step),
  };
}

function statusOf({ canceling }: RunState, { ending }: StepState, counts: Counts): Outcome["status"] {
  if (counts.good === counts.size) return "succeeded";
  if (canceling && ending) return canceling.expired ? "failed" : "canceled";
  if (counts.good + counts.partial > 0) return "partial";
  return counts.canceled > 0 && counts.failed === 0 ? "canceled" : "failed";
}

const MOST_NAMED = 5;

/** The first items that failed, by name. */
function failedIn({ items }: StepState): string {
  const failed = items ? Array.from(valuesOf(items)).filter(({ status }) => status === "failed") : [];
  const names = failed.slice(0, MOST_NAMED).map((item) => oneLine(nameOf(item), 40));
  return [...names, ...(failed.length > MOST_NAMED ? [`${failed.length - MOST_NAMED} more`] : [])].join(", ");
}

function nameOf({ value }: WorkState): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function reasonOf({ canceling }: RunState, step: StepState, counts: Counts): string {
  const { ending } = step;
  const { size, failed, partial, canceled, unbegun } = counts;
  const parts = [
    ...(failed > 0 ? [`${failed} failed (${failedIn(step)})`] : []),
    ...(partial > 0 ? [`${partial} came back partial`] : []),
    ...(canceled > 0 ? [`${canceled} canceled`] : []),
    ...(unbegun > 0 ? [`${unbegun} not begun`] : []),
  ];
  const first = canceling && ending ? `${canceling.reason}; ` : "";
  return `${first}of ${size} items: ${parts.join(", ")}`;
}

/** What there is of a fan-out, also when it is cut short: a readable list, and the lowest confidence of its items. */
export function valuesOfItems({ items }: StepState): Pick<Outcome, "result" | "confidence" | "artifacts"> {
  const settled = items ? Array.from(valuesOf(items)).filter(({ outcome }) => outcome) : [];
  const result = listOf(settled);
  const confidences = new Set(settled.map(({ outcome }) => outcome?.confidence));
  const lowest = ["low", "medium", "high"].find((one) => confidences.has(one));
  const artifacts = [...new Set(settled.flatMap(({ outcome }) => outcome?.artifacts ?? []))];
  return {
    result,
    ...(lowest === undefined ? {} : { confidence: lowest }),
    ...(artifacts.length > 0 ? { artifacts } : {}),
  };
}

/** `item: result`, a line or more for each; the rest is only counted when it grows too long. */
function listOf(items: readonly WorkState[]): string {
  let list = "";
  let length = 0;
  for (const item of items) {
    const { outcome } = item;
    const name = nameOf(item);
    const said = outcome?.result ?? "";
    const shown = outcome?.status === "succeeded" ? said : `(${outcome?.status}) ${said || outcome?.reason}`;
    const line = `${length === 0 ? "" : "\n"}${oneLine(name)}: ${shown}`;
    length += line.length;
    if (list.length < LONGEST_LIST) list += line;
  }
  if (length <= LONGEST_LIST) return list;
  const kept = list.slice(0, LONGEST_LIST).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept}\n[… cut: ${length} characters in all]`;
}
