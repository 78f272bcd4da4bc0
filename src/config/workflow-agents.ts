import type { Registry } from "../domain/agent-card.ts";
import { suggest } from "./problems.ts";
import type { Findings, Path } from "./workflow-findings.ts";

/** The id of an agent that is named by id, alias or letter; of one that there is not, the word itself, which is told. */
export function agentNamed(
  word: string,
  path: Path,
  { registry, findings }: { readonly registry: Registry; readonly findings: Findings },
): string {
  const found = registry.find(word);
  const ids = registry.agents.map(({ id }) => id);
  if (!found) findings.needsAgent(path, `there is no agent "${word}"`, suggest(word, ids));
  return found?.id ?? word;
}
