import { oneLine } from "../kernel/text.ts";
import type { StepStatus } from "./run-types.ts";
import type { RunView, StepView } from "./run-view.ts";
import { whoDoes } from "./task-who.ts";
import type { StepDefinition, WorkflowDefinition } from "./workflow-types.ts";

type Node = {
  readonly id: string;
  readonly kind: StepView["kind"];
  readonly needs: readonly string[];
  /** Lines under the id. */
  readonly notes: readonly string[];
  readonly status?: StepStatus;
};

const COLOURS: Readonly<Record<StepStatus, string>> = {
  pending: "fill:#eceff1,stroke:#90a4ae,color:#263238",
  running: "fill:#bbdefb,stroke:#1976d2,color:#0d2b4d",
  waiting: "fill:#fff3c4,stroke:#f9a825,color:#4a3000",
  succeeded: "fill:#c8e6c9,stroke:#388e3c,color:#12351a",
  partial: "fill:#dcedc8,stroke:#9e9d24,color:#33350a",
  failed: "fill:#ffcdd2,stroke:#d32f2f,color:#4d0f13",
  skipped: "fill:#f5f5f5,stroke:#bdbdbd,color:#616161,stroke-dasharray:4 3",
  canceled: "fill:#e0e0e0,stroke:#757575,color:#424242,stroke-dasharray:4 3",
};

/** The steps of a workflow as a mermaid flowchart. */
export function graphOfDefinition({ steps }: WorkflowDefinition): string {
  return flowchart(
    steps.map((step) => ({
      id: step.id,
      kind: step.action.kind,
      needs: step.needs,
      notes: [...whatIn(step), ...whenIn(step)],
    })),
  );
}

/** The steps of a run and how they stand, their states as classes. */
export function graphOfRun({ steps }: Pick<RunView, "steps">): string {
  return flowchart(
    steps.map((step) => ({
      id: step.id,
      kind: step.kind,
      needs: step.needs,
      notes: [...whoIn(step), step.generation > 1 ? `${step.status}, time ${step.generation}` : step.status],
      status: step.status,
    })),
  );
}

function whatIn({ action, forEach }: StepDefinition): readonly string[] {
  const each = forEach ? [`for each of ${forEach.expression}`] : [];
  switch (action.kind) {
    case "task":
      return [whoDoes(action), ...each];
    case "approval":
      return [`approval by ${action.gate.approvers.join(", ") || "whoever may operate"}`];
    case "workflow":
      return [`workflow ${action.workflow}`, ...each];
    case "wait":
      return ["wait"];
    case "conclusion":
      return [action.of.kind];
  }
}

function whenIn(step: StepDefinition): readonly string[] {
  return [...(step.if === undefined ? [] : [`if ${step.if}`]), ...(step.cleanup ? ["cleanup"] : [])];
}

function whoIn({ kind, agent, workers, capability, items, gate }: StepView): readonly string[] {
  const who = agent ?? workers ?? (capability === undefined ? undefined : `capability ${capability}`);
  return [
    ...(who === undefined ? [] : [who]),
    ...(kind === "approval" ? [gate?.decidedBy ? `decided by ${gate.decidedBy}` : "approval"] : []),
    ...(items ? [`${items.settled} of ${items.total}`] : []),
  ];
}

/** Nodes are numbered: a step may be called `end` or `class`, which mermaid keeps for itself. */
function flowchart(nodes: readonly Node[]): string {
  const names = new Map(nodes.map(({ id }, i) => [id, `s${i}`]));
  const lines = ["flowchart TD"];
  for (const node of nodes) lines.push(`  ${names.get(node.id)}${shapeOf(node)}`);
  for (const { id, needs } of nodes) {
    for (const need of needs) {
      const from = names.get(need);
      if (from !== undefined) lines.push(`  ${from} --> ${names.get(id)}`);
    }
  }
  const byStatus = Map.groupBy(
    nodes.filter(({ status }) => status !== undefined),
    ({ status }) => status as StepStatus,
  );
  for (const [status, those] of byStatus) {
    lines.push(`  classDef ${status} ${COLOURS[status]}`);
    lines.push(`  class ${those.map(({ id }) => names.get(id)).join(",")} ${status}`);
  }
  return `${lines.join("\n")}\n`;
}

function shapeOf({ id, kind, notes }: Node): string {
  const label = `"${[id, ...notes].map(labelText).join("<br/>")}"`;
  switch (kind) {
    case "task":
      return `[${label}]`;
    case "approval":
      return `{{${label}}}`;
    case "workflow":
      return `[[${label}]]`;
    case "wait":
      return `([${label}])`;
    case "conclusion":
      return `[/${label}/]`;
  }
}

const LONGEST_NOTE = 80;

/** Text that mermaid and the HTML it makes take as text; a character that means something becomes its number. */
function labelText(text: string): string {
  return oneLine(text, LONGEST_NOTE).replace(
    /["'#<>&\\`{}[\]()|;%*_~$]/g,
    (sign) => `#${sign.charCodeAt(0)};`,
  );
}
