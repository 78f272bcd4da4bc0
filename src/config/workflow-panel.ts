import { VERDICT_SCHEMA } from "../domain/panel.ts";
import { SUPERVISED_SCHEMA } from "../domain/supervise.ts";
import type { Conclusion, StepDefinition, TaskAction } from "../domain/workflow-types.ts";
import type { Path } from "./workflow-findings.ts";
import { NAME, type StepEntry } from "./workflow-schema.ts";
import type { PlacedStep, StepSurroundings } from "./workflow-steps.ts";

export type Common = Omit<StepDefinition, "action">;
export type Places = { readonly path: Path; readonly needsAt: Path };
export type ToTask = (entry: StepEntry, path: Path) => TaskAction;

/** Asks one expert for a verdict on a proposal. */
const TEMPLATE = "consensus_check";

/** A panel as ordinary steps: one for each expert, side by side, and one that makes the verdict of their votes. */
export function panelSteps(
  common: Common,
  entry: StepEntry,
  { path, needsAt }: Places,
  { file, findings }: Pick<StepSurroundings, "file" | "findings">,
  toTask: ToTask,
): readonly PlacedStep[] {
  const { panel } = entry;
  if (!panel) throw new Error(`step ${common.id} has no panel`);
  const at = [...path, "panel"];
  const { if: condition, needs, cleanup } = common;
  const quorum = panel.quorum ?? Math.floor(panel.experts.length / 2) + 1;
  if (quorum > panel.experts.length)
    findings.problem([...at, "quorum"], `asks for ${quorum} votes of ${panel.experts.length} experts`);
  const taken = new Set(Object.keys(file.steps));
  const experts = panel.experts.map(({ role, agent, capability }, index): PlacedStep => {
    const place = [...at, "experts", index];
    const id = `${common.id}-${wordOf(role)}`;
    const problem = nameProblem(id, taken);
    if (problem) findings.problem([...place, "role"], problem, "give this expert another role");
    if ((agent === undefined) === (capability === undefined))
      findings.problem(place, agent === undefined ? "names nobody" : "agent and capability are both given");
    taken.add(id);
    const { proposal, criteria } = panel;
    const asked = { proposal, expert_role: role, evaluation_criteria: criteria };
    const one: StepEntry = { ...entry, agent, capability, template: TEMPLATE, with: asked, format: "json" };
    return {
      path,
      needsAt,
      taskAt: [...at, "proposal"],
      ...(index > 0 ? { isChecked: true } : {}),
      step: {
        id,
        needs,
        cleanup,
        // A missing vote fails nothing by itself: the quorum decides.
        continueOnError: true,
        ...(condition === undefined ? {} : { if: condition }),
        action: toTask(one, place),
      },
    };
  });
  const steps = experts.map(({ step }, index) => ({ role: panel.experts[index]?.role ?? "", step: step.id }));
  const { if: _, ...rest } = common;
  const action = { kind: "conclusion", of: { kind: "panel", experts: steps, quorum } } as const;
  return [...experts, { path, needsAt: at, step: { ...rest, needs: steps.map(({ step }) => step), action } }];
}

/** The shape of what a conclusion gives to the steps after it. */
export function schemaOf({ kind }: Conclusion): unknown {
  return kind === "panel" ? VERDICT_SCHEMA : SUPERVISED_SCHEMA;
}

export function spokenConclusion({ kind }: Conclusion): string {
  return kind === "panel" ? "a panel" : "supervised work";
}

/** A role as a part of a step's id. */
function wordOf(role: string): string {
  return role
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

export function nameProblem(id: string, taken: ReadonlySet<string>): string | undefined {
  if (taken.has(id)) return `makes a step "${id}", and there is one of that name`;
  return NAME.test(id) && !id.endsWith("-")
    ? undefined
    : `makes a step "${id}", which cannot be a step's name: at most 40 small letters, digits and dashes`;
}
