import { oneLine, plainLetters } from "../../kernel/text.ts";
import type { Pattern } from "./decision-tree.ts";
import type { DetailValues } from "./plan-details.ts";

/** A workflow file as an object: what YAML is written of. */
export type WorkflowDocument = Readonly<Record<string, unknown>>;
type Steps = Readonly<Record<string, object>>;

/** No worker longer than this: what takes longer is cut up. */
const TIMEOUT = "15m";
const MOST_AT_ONCE = 6;
const LONGEST_DESCRIPTION = 290;

/** The workflow that a pattern makes of what was answered. */
export function planWorkflow(name: string, pattern: Pattern, values: DetailValues): WorkflowDocument {
  const { inputs, limits, steps, output } = shapeOf(pattern, values);
  return {
    name,
    description: oneLine(text(values, "goal"), LONGEST_DESCRIPTION),
    ...(inputs ? { inputs } : {}),
    ...(limits ? { limits } : {}),
    steps,
    output: { step: output, channel: "results" },
  };
}

type Shape = {
  readonly inputs?: object;
  readonly limits?: object;
  readonly steps: Steps;
  readonly output: string;
};

function shapeOf(pattern: Pattern, values: DetailValues): Shape {
  switch (pattern) {
    case "inline":
      return {
        steps: { work: { agent: text(values, "by"), task: text(values, "goal"), timeout: "5m" } },
        output: "work",
      };
    case "fan-out":
      return fanOut(values);
    case "pipeline":
      return pipeline(values);
    case "panel":
      return panel(values);
    case "map-reduce":
      return mapReduce(values);
    case "supervisor":
      return supervisor(values);
  }
}

/** Each worker knows its own part and nothing of the others; what fails is named, not made up. */
function fanOut(values: DetailValues): Shape {
  const goal = text(values, "goal");
  const parts = list(values, "parts");
  const id = (index: number) => `part-${index + 1}`;
  const workers = parts.map((part, index) => [
    id(index),
    {
      agent: inTurn(list(values, "agents"), index),
      task: `${goal}\n\nYour part, and nothing beside it: ${part}\n`,
      timeout: TIMEOUT,
      continue_on_error: true,
    },
  ]);
  const results = parts.map(
    (part, index) => `${part} (\${{ steps.${id(index)}.status }}): \${{ steps.${id(index)}.result }}`,
  );
  const task = [
    `Put the results of several workers together into one answer to this: ${goal}`,
    results.join("\n"),
    "Name what is missing and where they contradict each other. Make nothing up for a part that failed.",
  ];
  return {
    limits: { max_parallel: Math.min(MOST_AT_ONCE, parts.length) },
    steps: {
      ...(Object.fromEntries(workers) as Steps),
      together: {
        needs: parts.map((_, index) => id(index)),
        agent: text(values, "by"),
        task: `${task.join("\n\n")}\n`,
        timeout: TIMEOUT,
      },
    },
    output: "together",
  };
}

/** Each step gets what the one before brought, and nothing from further back. */
function pipeline(values: DetailValues): Shape {
  const goal = text(values, "goal");
  const stages = list(values, "stages");
  const id = (index: number) => `step-${index + 1}`;
  const steps = stages.map((stage, index) => {
    const before = index === 0 ? undefined : id(index - 1);
    const given =
      before === undefined ? [] : [`What the step before brought: \${{ steps.${before}.result }}`];
    const task = [stage, ...given, `All of this is for: ${goal}`];
    return [
      id(index),
      {
        ...(before === undefined ? {} : { needs: [before] }),
        agent: inTurn(list(values, "agents"), index),
        task: `${task.join("\n\n")}\n`,
        timeout: TIMEOUT,
        // In all: two retries with the error in the prompt.
        retry: { max_attempts: 3 },
      },
    ];
  });
  return { steps: Object.fromEntries(steps) as Steps, output: id(stages.length - 1) };
}

function panel(values: DetailValues): Shape {
  const criteria = list(values, "criteria");
  const roles = list(values, "roles").map((role, index) => ({
    role,
    agent: inTurn(list(values, "agents"), index),
  }));
  return {
    limits: { max_parallel: Math.min(MOST_AT_ONCE, roles.length) },
    steps: {
      verdict: {
        panel: {
          proposal: text(values, "goal"),
          roles,
          ...(criteria.length > 0 ? { criteria } : {}),
          quorum: Math.floor(roles.length / 2) + 1,
        },
        timeout: TIMEOUT,
      },
    },
    output: "verdict",
  };
}

function mapReduce(values: DetailValues): Shape {
  const goal = text(values, "goal");
  const map = [
    goal,
    "Do this for each of these items, and for no other. Leave none out, and say of which you found nothing:",
    "${{ join(item, ', ') }}",
  ];
  const reduce = [
    `Sum up the results of one task over a long list: ${goal}`,
    "The list: ${{ inputs.items }}",
    "Parts (${{ steps.map.status }}): ${{ steps.map.result }}",
    "Name each item without a result.",
  ];
  const items = {
    type: "string",
    required: true,
    max_length: 20_000,
    description: "The list, its items separated by commas",
  };
  return {
    inputs: { items },
    limits: { max_parallel: MOST_AT_ONCE },
    steps: {
      map: {
        for_each: `\${{ partition(split(inputs.items, ','), ${number(values, "parts")}) }}`,
        agent: list(values, "agents")[0] ?? "",
        task: `${map.join("\n\n")}\n`,
        timeout: TIMEOUT,
        retry: { max_attempts: 3 },
      },
      reduce: {
        needs: ["map"],
        agent: text(values, "by"),
        task: `${reduce.join("\n\n")}\n`,
        timeout: TIMEOUT,
      },
    },
    output: "reduce",
  };
}

function supervisor(values: DetailValues): Shape {
  return {
    steps: {
      lead: {
        supervise: {
          goal: text(values, "goal"),
          supervisor: text(values, "by"),
          workers: list(values, "agents"),
          max_rounds: number(values, "rounds"),
        },
        timeout: TIMEOUT,
      },
    },
    output: "lead",
  };
}

function text(values: DetailValues, key: string): string {
  const value = values[key];
  return typeof value === "string" ? value : "";
}

function list(values: DetailValues, key: string): readonly string[] {
  const value = values[key];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function number(values: DetailValues, key: string): number {
  const value = values[key];
  return typeof value === "number" ? value : 1;
}

const inTurn = (agents: readonly string[], index: number) => agents[index % agents.length] ?? "";

/** A name for a workflow, made of what is to be done. */
export function nameFor(goal: string, pattern: Pattern): string {
  const words = plainLetters(goal)
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-[^-]*$/, (last) => (goal.length > 40 ? "" : last))
    .replace(/-+$/, "");
  return words === "" ? `my-${pattern}` : words;
}
