import type { JsonObject, TaskTemplate, TemplateValues } from "./template-types.ts";
import { bullets } from "./words.ts";

/** More words than this are a context dump. */
export const MOST_PROMPT_WORDS = 500;

export const wordsIn = (text: string) => text.split(/\s+/).filter(Boolean).length;

/** What one worker is told: everything it needs and nothing else. The values are complete. */
export function renderTemplate(template: TaskTemplate, values: TemplateValues): string {
  const { role, task, context = "", constraints, format } = template.parts(values);
  const sections = [
    section("Role", role),
    section("Task", task.join("\n\n")),
    ...(context === "" ? [] : [section("Context", context)]),
    section("Constraints", bullets(constraints)),
    section("Expected Output Format", `${format}\n\n${schemaText(template.schema(values))}`),
    section("Output Interface", INTERFACE),
  ];
  return sections.join("\n\n");
}

/** What is to be done, for a line of a log or a list: of a template's prompt that part alone, any other text as it is. */
export function subjectOf(text: string): string {
  if (!text.startsWith("## Role\n")) return text;
  return /^## Task\n([\s\S]*?)(?=\n\n## |$(?![\s\S]))/m.exec(text)?.[1] ?? text;
}

const section = (title: string, text: string) => `## ${title}\n${text}`;

const schemaText = (schema: JsonObject) => `\`\`\`json\n${JSON.stringify(schema, undefined, 2)}\n\`\`\``;

/** The closing tag is named first: no answer can be read out of an echo of these lines. */
const INTERFACE = bullets([
  "Your answer ends with a line `</result>`; all of it stands between that and a line `<result>` before it.",
  "Between these lines stands the deliverable alone: no greeting, no explanation, no code block around it.",
  'When it cannot be done, what stands there instead is `{"status":"error","reason":"why, in a sentence"}`.',
  "Where a handoff is asked for, the same text is its `result`.",
]);
