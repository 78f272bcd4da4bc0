import type { Command } from "commander";
import type { Hq } from "./hq.ts";

/** Flags of the older tool, and the field of a template that each one gives. */
export type PreviewOptions = {
  readonly files?: string;
  readonly topic?: string;
  readonly role?: string;
  readonly proposal?: string;
  readonly set: readonly string[];
  readonly json?: true;
};

const collect = (value: string, before: readonly string[]) => [...before, value];

export function registerTemplates(program: Command, hq: Hq): void {
  const templates = program
    .command("templates")
    .description("task templates: prompts with all that a worker needs and nothing else");

  templates
    .command("list", { isDefault: true })
    .description("the templates there are, as JSON")
    .option("--json", "JSON is what is printed in any case")
    .action(() =>
      hq.run(async () => {
        const { listTemplates } = await import("./templates-show.ts");
        return listTemplates(hq.io);
      }),
    );

  templates
    .command("preview")
    .description("the prompt that a template makes; examples stand in for needed fields that are not given")
    .argument(
      "<name>",
      "code_review, research, data_extraction, consensus_check, documentation, testing, refactor",
    )
    .option("--files <list>", "what is worked on: a,b")
    .option("--topic <text>", "of research")
    .option("--role <text>", "the expert of consensus_check")
    .option("--proposal <text>", "of consensus_check")
    .option("--set <field=value>", "any field; may be repeated", collect, [])
    .option("--json", "print {name, prompt, words, fields, schema}")
    .action((name: string, options: PreviewOptions) =>
      hq.run(async () => {
        const { previewTemplate } = await import("./templates-show.ts");
        return previewTemplate(hq.io, name, options);
      }),
    );
}
