import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { suggest } from "./problems.ts";
import { createFindings, type Findings } from "./workflow-findings.ts";
import { checkGiven } from "./workflow-inputs.ts";
import { checkInnerOutputs } from "./workflow-outputs.ts";
import type { YamlSource } from "./yaml-source.ts";

/** A run, a run in it, and a run in that one. */
const DEEPEST_NESTING = 3;

type Find = (name: string) => WorkflowDefinition | undefined;

/** What only shows when all workflows are seen together: names, circles, depth, and the inputs that are given. */
export function checkNesting(
  definition: WorkflowDefinition,
  source: YamlSource,
  all: { readonly find: Find; readonly names: readonly string[] },
): Findings {
  const findings = createFindings(source);
  for (const { id, action } of definition.steps) {
    if (action.kind !== "workflow") continue;
    const path = ["steps", id];
    const at = [...path, "workflow"];
    const { workflow: name } = action;
    const nested = all.find(name);
    if (!nested) {
      const isThere = all.names.includes(name);
      const message = isThere ? `${name} is not valid itself` : `there is no workflow "${name}"`;
      findings.problem(at, message, isThere ? "mend its file first" : suggest(name, all.names));
      continue;
    }
    const way = wayBack(definition.name, name, all.find);
    if (way)
      findings.problem(at, `contains itself: ${way.join(" → ")}`, "a workflow cannot be part of itself");
    else if (1 + depthOf(nested, all.find, DEEPEST_NESTING) > DEEPEST_NESTING)
      findings.problem(at, `workflows are nested more than ${DEEPEST_NESTING} deep`, "flatten one of them");
    checkGiven(nested.inputs, action.with, { path, key: "with", of: name }, findings);
  }
  checkInnerOutputs(definition, all.find, findings);
  return findings;
}

const nestedIn = ({ steps }: WorkflowDefinition): ReadonlySet<string> =>
  new Set(steps.flatMap(({ action }) => (action.kind === "workflow" ? [action.workflow] : [])));

/** The names from a workflow through one of its steps back to itself. */
function wayBack(start: string, first: string, find: Find): readonly string[] | undefined {
  const ways = [[first]];
  const seen = new Set<string>();
  for (let way = ways.pop(); way; way = ways.pop()) {
    const name = way.at(-1) ?? first;
    if (name === start) return [start, ...way];
    if (seen.has(name)) continue;
    seen.add(name);
    const nested = find(name);
    for (const next of nested ? nestedIn(nested) : []) ways.push([...way, next]);
  }
  return undefined;
}

/** How many levels a workflow has, itself counted; not more than one above `most`. */
function depthOf(definition: WorkflowDefinition, find: Find, most: number): number {
  if (most === 0) return 1;
  const below = [...nestedIn(definition)].map((name) => {
    const nested = find(name);
    return nested ? depthOf(nested, find, most - 1) : 0;
  });
  return 1 + Math.max(0, ...below);
}
