import { exampleFields, fillTemplate } from "../domain/templates/fill-template.ts";
import { MOST_PROMPT_WORDS, renderTemplate, wordsIn } from "../domain/templates/render-template.ts";
import type { TaskTemplate } from "../domain/templates/template-types.ts";
import { findTemplate, noTemplate, TEMPLATES } from "../domain/templates/templates.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import type { Io } from "./io.ts";
import { jsonText, plainText } from "./print.ts";
import type { PreviewOptions } from "./templates.ts";

/** Which field each flag gives: the first of them that the template has. */
const FLAGS: Readonly<Record<"files" | "topic" | "role" | "proposal", readonly string[]>> = {
  files: ["files", "source_paths", "target_path", "code_path"],
  topic: ["topic"],
  role: ["expert_role"],
  proposal: ["proposal"],
};

export function listTemplates(io: Io): number {
  const templates = TEMPLATES.map(({ name, description }) => ({ name, description }));
  io.out(`${jsonText({ templates })}\n`);
  return 0;
}

export function previewTemplate(io: Io, name: string, options: PreviewOptions): number {
  const template = findTemplate(name);
  if (!template) {
    const { message, suggestion } = noTemplate(name);
    throw new Refusal("not_found", sentence(message), { hint: sentence(suggestion) });
  }
  const filled = fillTemplate(template, { ...exampleFields(template), ...givenBy(template, options) });
  if (!filled.ok) {
    const problems = filled.problems.map(({ path, message, suggestion }) => ({
      path,
      message: suggestion === undefined ? message : `${message} (${suggestion})`,
    }));
    throw new Refusal("invalid_input", `${template.name} cannot be made of these fields.`, { problems });
  }
  const prompt = renderTemplate(template, filled.values);
  const words = wordsIn(prompt);
  if (words > MOST_PROMPT_WORDS)
    io.err(
      `warning: context dump: ${words} words; keep to what this one task needs, at most ${MOST_PROMPT_WORDS}.\n`,
    );
  const schema = template.schema(filled.values);
  if (options.json)
    io.out(`${jsonText({ name: template.name, prompt, words, fields: filled.values, schema })}\n`);
  else io.out(`${plainText(prompt)}\n`);
  return 0;
}

/** Every flag that names nothing in this template is a problem, all at once. */
function givenBy(template: TaskTemplate, options: PreviewOptions): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  const problems: Problem[] = [];
  const has = (field: string) => template.fields.some(({ name }) => name === field);
  for (const flag of ["files", "topic", "role", "proposal"] as const) {
    const value = options[flag];
    if (value === undefined) continue;
    const field = FLAGS[flag].find(has);
    if (field === undefined)
      problems.push({ path: `--${flag}`, message: `means nothing for ${template.name}` });
    else given[field] = value;
  }
  for (const pair of options.set) {
    const at = pair.indexOf("=");
    if (at < 1) problems.push({ path: "--set", message: `is "${pair}"; it must be field=value` });
    else given[pair.slice(0, at).trim()] = pair.slice(at + 1);
  }
  if (problems.length === 0) return given;
  const hint = `It has these fields: ${template.fields.map(({ name }) => name).join(", ")}.`;
  throw new Refusal("invalid_input", `${template.name} cannot be made of these flags.`, { problems, hint });
}

const sentence = (text: string) =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
