import type { Receipt } from "../domain/delivery-types.ts";
import type { RunView } from "../domain/run-view.ts";
import { scheduleFacts } from "../domain/schedule-text.ts";
import { whoDoes } from "../domain/task-who.ts";
import type {
  Conclusion,
  InputDefinition,
  ScheduleDefinition,
  StepDefinition,
  WorkflowDefinition,
} from "../domain/workflow-types.ts";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import { cut } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Answer } from "./command.ts";
import { foldSteps, stepLines } from "./fold-steps.ts";
import { relative } from "./look.ts";
import { runHeadline, runLook } from "./look-run.ts";
import { bytesOf } from "./render-result.ts";
import { runLog, runReport } from "./run-report.ts";
import { asCode, asLine } from "./sanitize.ts";

const STEPS_ROOM = 1000;
const MOST_LISTED = 20;
const MOST_INPUTS = 6;
const CONCLUDES: Readonly<Record<Conclusion["kind"], string>> = {
  panel: "concludes the panel",
  votes: "counts the votes",
  supervise: "concludes the supervised work",
};

/** Everything about a run, for the eyes of who asks; the whole of it in the file. */
export function runDetails(
  view: RunView,
  told: {
    readonly receipts: readonly Receipt[];
    readonly events: readonly StoredEvent[];
    readonly guildId: string;
  },
): Answer {
  const { receipts, events, guildId } = told;
  const inputs = Object.entries(view.inputs);
  const messages = receipts
    .filter(({ delivery }) => delivery.startsWith(`${view.id}/`))
    .slice(0, 6)
    .map(
      ({ delivery, channel, message }) =>
        `- ${delivery.slice(view.id.length + 1)}: https://discord.com/channels/${guildId}/${channel}/${message}`,
    );
  const text = [
    `${runLook(view).symbol} **${runHeadline(view)}**`,
    `-# ${view.id} · asked by ${asLine(view.asker)} ${relative(view.startedAt)}${view.deliver ? "" : " · not delivered"}${view.parent ? ` · step ${view.parent.step} of ${view.parent.run}` : ""}`,
    ...inputs
      .slice(0, MOST_INPUTS)
      .map(([name, value]) => `${asCode(name)} ${cut(asLine(String(value)), 80)}`),
    ...(inputs.length > MOST_INPUTS ? [`-# and ${inputs.length - MOST_INPUTS} more inputs`] : []),
    stepLines(foldSteps(view.steps), STEPS_ROOM),
    ...(view.stopped ? [`Stopped after ${view.stopped.failures} failures; it waits for an answer.`] : []),
    ...(view.reason ? [cut(asLine(view.reason), 200)] : []),
    ...view.missing.slice(0, 4).map((one) => `- ${cut(asLine(one), 120)}`),
    ...(view.settledAt === undefined
      ? [`Deadline ${relative(view.deadlineAt)}`]
      : [`Finished ${relative(view.settledAt)}`]),
    ...(messages.length > 0 ? ["Messages:", ...messages] : []),
  ];
  return {
    text: text.join("\n"),
    outcome: "shown",
    file: bytesOf(`${view.workflow}.md`, `${runReport(view)}\n\n${runLog(view.id, events)}`),
  };
}

/** One line of a list of runs. */
export function runLine(view: RunView): string {
  return `${runLook(view).symbol} **${runHeadline(view)}** · ${asLine(view.asker)} · ${relative(view.settledAt ?? view.startedAt)}\n-# ${view.id}`;
}

/** `design-review · running 1/4 · @ada`, for suggestions of ids. */
export function runSuggestion(view: RunView): { readonly name: string; readonly value: string } {
  return { name: cut(`${runHeadline(view)} · ${view.asker} · ${view.id}`, 100), value: view.id };
}

export function retriedAnswer(view: RunView, changed = 0): Answer {
  const how = changed > 0 ? `, ${changed} with another task` : "";
  return {
    text: `**${view.workflow}**: what failed is done once more${how}.\n-# ${view.id}`,
    outcome: `retried ${view.id}`,
  };
}

export function listAnswer(entries: readonly WorkflowEntry[]): Answer {
  const lines = entries.slice(0, MOST_LISTED).map(({ name, definition, problems }) => {
    const trouble = problems.length > 0 ? `\n-# ⚠️ ${cut(asLine(problems[0] ?? ""), 160)}` : "";
    if (!definition) return `⚠️ **${name}** cannot be started${trouble}`;
    const { inputs, steps, description } = definition;
    const size = `${steps.length} ${steps.length === 1 ? "step" : "steps"}, ${inputs.length} ${inputs.length === 1 ? "input" : "inputs"}`;
    return `**${name}** · ${cut(asLine(description), 120)} · ${size}${trouble}`;
  });
  const more = entries.length - lines.length;
  return {
    text: [
      `**${entries.length} ${entries.length === 1 ? "workflow" : "workflows"}**; \`/workflow run\` starts one, \`/workflow show\` tells more`,
      ...lines,
      ...(more > 0 ? [`-# and ${more} more`] : []),
    ].join("\n"),
    outcome: "listed",
  };
}

/** What a workflow asks for and does. */
export function workflowAnswer(definition: WorkflowDefinition): Answer {
  const { name, description, inputs, steps, limits, schedules } = definition;
  const shown = steps.slice(0, MOST_LISTED).map(definedStep);
  const more = steps.length - shown.length;
  return {
    text: [
      `**${name}** · ${asLine(description)}`,
      ...(inputs.length > 0 ? ["Inputs:", ...inputs.map(definedInput)] : ["It takes no inputs."]),
      "Steps:",
      ...shown,
      ...(more > 0 ? [`-# and ${more} more`] : []),
      `-# at most ${limits.maxParallel} at once · stops after ${limits.maxFailures} failures · ends after ${formatDuration(limits.timeoutMs)}`,
      ...schedules.map(definedSchedule),
    ].join("\n"),
    outcome: "shown",
  };
}

function definedSchedule(schedule: ScheduleDefinition): string {
  const { cron, timezone } = schedule;
  return `-# starts by itself: ${asCode(cron)} ${asLine(timezone)} · ${cut(asLine(scheduleFacts(schedule)), 150)}`;
}

function definedInput(input: InputDefinition): string {
  const facts = [
    input.type === "choice" ? (input.options ?? []).join(" | ") : input.type,
    ...(input.required ? ["required"] : []),
    ...(input.default === undefined ? [] : [`default ${String(input.default)}`]),
  ];
  const what = input.description ? ` · ${cut(asLine(input.description), 100)}` : "";
  return `- ${asCode(input.name)} ${cut(asLine(facts.join(", ")), 120)}${what}`;
}

function definedStep(step: StepDefinition): string {
  const after = step.needs.length > 0 ? ` after ${cut(step.needs.join(", "), 80)}` : "";
  return `- **${step.id}** · ${doing(step)}${after}${step.cleanup ? " · at the end, whatever happened" : ""}`;
}

function doing({ action, forEach }: StepDefinition): string {
  const each = forEach ? " for each item" : "";
  switch (action.kind) {
    case "task":
      return `${action.workers ? whoDoes(action) : (action.agent ?? `an agent for ${action.capability ?? "it"}`)}${each}`;
    case "approval":
      return "people decide";
    case "workflow":
      return `the workflow ${action.workflow}${each}`;
    case "wait":
      return `waits ${formatDuration(action.ms)}`;
    case "conclusion":
      return `the coordinator ${CONCLUDES[action.of.kind]}`;
  }
}
