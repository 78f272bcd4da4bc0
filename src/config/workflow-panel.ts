import { VERDICT_SCHEMA } from "../domain/panel.ts";
import { SUPERVISED_SCHEMA } from "../domain/supervise.ts";
import type { Conclusion, PanelDefinition, StepDefinition, TaskAction } from "../domain/workflow-types.ts";
import { agentNamed } from "./workflow-agents.ts";
import type { Path } from "./workflow-findings.ts";
import { NAME, type PanelEntry, type StepEntry } from "./workflow-schema.ts";
import type { PlacedStep, StepSurroundings } from "./workflow-steps.ts";

export type Common = Omit<StepDefinition, "action">;
export type Places = { readonly path: Path; readonly needsAt: Path };
export type ToTask = (entry: StepEntry, path: Path) => TaskAction;

/** Asks one expert for a verdict on a proposal. */
const TEMPLATE = "consensus_check";

/**
 * A panel as ordinary steps: one for each expert, side by side, and one that makes the verdict of their votes. Where an
 * agent writes the consensus, the votes are counted in a step before it, and the last one puts both together.
 */
export function panelSteps(
  common: Common,
  entry: StepEntry,
  { path, needsAt }: Places,
  around: Pick<StepSurroundings, "file" | "findings" | "registry">,
  toTask: ToTask,
): readonly PlacedStep[] {
  const { panel } = entry;
  if (!panel) throw new Error(`step ${common.id} has no panel`);
  const { file, findings } = around;
  const at = [...path, "panel"];
  const { if: condition, needs, cleanup } = common;
  const quorum = panel.quorum ?? Math.floor(panel.roles.length / 2) + 1;
  if (quorum > panel.roles.length)
    findings.problem([...at, "quorum"], `asks for ${quorum} votes of ${panel.roles.length} experts`);
  const taken = new Set(Object.keys(file.steps));
  const after = { votes: `${common.id}-votes`, consensus: `${common.id}-consensus` };
  for (const id of panel.by === undefined ? [] : Object.values(after)) {
    const problem = nameProblem(id, taken);
    if (problem) findings.problem(path, problem, "give this step a shorter or another name", "key");
    taken.add(id);
  }
  const experts = panel.roles.map(({ role, agent, capability }, index): PlacedStep => {
    const place = [...at, "roles", index];
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
  const steps = experts.map(({ step }, index) => ({ role: panel.roles[index]?.role ?? "", step: step.id }));
  const of = { kind: "panel", experts: steps, quorum } as const;
  const asked = steps.map(({ step }) => step);
  const last = (needs: readonly string[], made: PanelDefinition): PlacedStep => {
    const { if: _, ...rest } = common;
    return { path, needsAt: at, step: { ...rest, needs, action: { kind: "conclusion", of: made } } };
  };
  if (panel.by === undefined) return [...experts, last(asked, of)];
  const { votes, consensus } = after;
  const tolerated = { cleanup, continueOnError: true } as const;
  const counting = { kind: "conclusion", of: { ...of, kind: "votes" } } as const;
  const words = toTask({ ...entry, task: consensusText(panel, votes) }, at);
  return [
    ...experts,
    { path, needsAt: at, isChecked: true, step: { id: votes, ...tolerated, needs: asked, action: counting } },
    {
      path,
      needsAt: at,
      isChecked: true,
      step: {
        id: consensus,
        ...tolerated,
        needs: [votes],
        // Below the quorum there is nothing to write, and the panel says so itself.
        if: onlyIf(cleanup, `steps.${votes}.output.verdict`),
        passesWhenSkipped: true,
        action: { ...words, agent: agentNamed(panel.by, [...at, "by"], around) },
      },
    },
    last([...asked, votes, consensus], { ...of, consensus }),
  ];
}

function consensusText({ proposal, criteria }: PanelEntry, votes: string): string {
  return `Write the consensus of a panel of experts, for people who have to act on it.

The verdict was made of the votes by a fixed rule. It stands as it is, and so do the votes: change none, add none, and claim nothing that they do not say.

What they judged: ${proposal.trim()}

By: ${criteria.join(", ")}

The verdict, the votes, who dissents and who is missing: \${{ toJSON(steps.${votes}.output) }}

Say what was decided and why, what speaks against it and in whose words, what is open, and what has to be done next.`;
}

/** Of cleanup, what the run has come to decides nothing: it runs whatever happened. */
export function onlyIf(cleanup: boolean, condition: string): string {
  return cleanup ? `always() && ${condition}` : condition;
}

/** The shape of what a conclusion gives to the steps after it. */
export function schemaOf({ kind }: Conclusion): unknown {
  return kind === "supervise" ? SUPERVISED_SCHEMA : VERDICT_SCHEMA;
}

const SPOKEN: Readonly<Record<Conclusion["kind"], string>> = {
  panel: "a panel",
  votes: "the votes of a panel",
  supervise: "supervised work",
};

export function spokenConclusion({ kind }: Conclusion): string {
  return SPOKEN[kind];
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
