import { nearest } from "../../kernel/text.ts";
import { codeReview } from "./code-review.ts";
import { consensusCheck } from "./consensus-check.ts";
import { dataExtraction } from "./data-extraction.ts";
import { documentation } from "./documentation.ts";
import { refactor } from "./refactor.ts";
import { research } from "./research.ts";
import type { TaskTemplate } from "./template-types.ts";
import { testing } from "./testing.ts";

export const TEMPLATES: readonly TaskTemplate[] = [
  codeReview,
  research,
  dataExtraction,
  consensusCheck,
  documentation,
  testing,
  refactor,
];
const TEMPLATE_NAMES: readonly string[] = TEMPLATES.map(({ name }) => name);

const key = (name: string) => name.trim().toLowerCase().replaceAll("-", "_");

/** By its name in any case; dashes are as good as underscores. */
export function findTemplate(name: string): TaskTemplate | undefined {
  return TEMPLATES.find((template) => template.name === key(name));
}

/** What to say of a name that no template has. */
export function noTemplate(name: string): { readonly message: string; readonly suggestion: string } {
  const near = nearest(key(name), TEMPLATE_NAMES);
  return {
    message: `there is no template "${name}"`,
    suggestion: near === undefined ? `there are: ${TEMPLATE_NAMES.join(", ")}` : `did you mean "${near}"?`,
  };
}
