import type { Command } from "commander";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";

const TOPICS = ["patterns"];

/** `hq help`, `hq help workflow run`, and topics that are no command. */
export function registerHelp(program: Command, hq: Hq): void {
  program
    .command("help")
    .description("display help for a command, or on patterns: the playbook on one page")
    .argument("[words...]")
    .action((words: readonly string[]) =>
      hq.run(async () => {
        if (words.length === 1 && words[0] === "patterns") {
          const { REFERENCE_CARD } = await import("../domain/playbook/reference-card.ts");
          hq.io.out(REFERENCE_CARD);
          return 0;
        }
        find(program, words).outputHelp();
        return 0;
      }),
    );
}

function find(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (!next) {
      const names = [...found.commands.map((one) => one.name()), ...(found === program ? TOPICS : [])];
      const near = nearest(word, names);
      throw new Refusal("not_found", `There is no help on "${words.join(" ")}".`, {
        hint: near === undefined ? "hq help lists all commands." : `Did you mean "${near}"?`,
      });
    }
    found = next;
  }
  return found;
}
