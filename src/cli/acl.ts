import type { Command } from "commander";
import type { AclAnswer } from "../domain/acl.ts";
import type { VerbAnswer } from "../domain/permissions.ts";
import { Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";
import { jsonText, plainText } from "./print.ts";

export function registerAcl(program: Command, hq: Hq): void {
  const acl = program.command("acl").description("who may delegate to whom, and who may do what");

  acl
    .command("explain")
    .description("whether somebody may delegate to an agent, or do something, and by which rule")
    .argument("<who>", "an agent, operator, role:<name> or user:<id>")
    .argument("[target]", "the agent that would be asked")
    .option("--verb <verb>", "instead of a target: delegate, workflow, cancel, approve, drain, stop, …")
    .option("--json", "print JSON")
    .action((caller: string, target: string | undefined, options: { verb?: string; json?: true }) =>
      hq.run(async () => {
        const { verb, json } = options;
        if ((target === undefined) === (verb === undefined)) {
          throw new Refusal("invalid_input", "What is to be explained is one thing: an agent, or a verb.", {
            hint: `Name the agent that ${oneLine(caller)} would ask, as in \`hq acl explain tech-lead webster\`, or a verb: --verb approve.`,
          });
        }
        const query = new URLSearchParams({
          caller,
          ...(target === undefined ? {} : { target }),
          ...(verb === undefined ? {} : { verb }),
        });
        const answer = await hq
          .client()
          .ask<AclAnswer | VerbAnswer>({ path: `/acl/explain?${query.toString()}` });
        hq.io.out(json ? `${jsonText(answer)}\n` : plainText(sayOf(answer)));
        return 0;
      }),
    );

  acl
    .command("table")
    .description("every agent as the caller of every other one")
    .option("--json", "print JSON: a list of every pair with its rule")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const { items } = await hq
          .client()
          .ask<{ readonly items: readonly AclAnswer[] }>({ path: "/acl/table" });
        hq.io.out(options.json ? `${jsonText(items)}\n` : plainText(tableOf(items)));
        return 0;
      }),
    );
}

function sayOf(answer: AclAnswer | VerbAnswer): string {
  const hint = "hint" in answer ? answer.hint : undefined;
  return hint === undefined ? answer.text : `${answer.text} ${hint}`;
}

/** Rows are callers; columns stand in the same order, so they are known by their numbers. */
function tableOf(items: readonly AclAnswer[]): string {
  const ids = [...new Set(items.map(({ caller }) => caller))];
  const widest = Math.max(...ids.map((id) => id.length), 0);
  const numbers = ids.map((_, index) => String(index + 1).padStart(2)).join(" ");
  const rows = ids.map((caller, index) => {
    const marks = items
      .filter((item) => item.caller === caller)
      .map(({ allowed }) => (allowed ? " x" : " ."))
      .join(" ");
    return `${String(index + 1).padStart(2)} ${caller.padEnd(widest)} ${marks}`;
  });
  return [`${" ".repeat(widest + 3)} ${numbers}`, ...rows].join("\n");
}
