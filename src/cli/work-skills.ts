import type { Command } from "commander";
import type { SkillContract } from "../domain/skill-contract.ts";
import type { Hq } from "./hq.ts";
import { jsonText, plainText, table } from "./print.ts";

type Options = {
  readonly capability?: string;
  readonly input?: string;
  readonly output?: string;
  readonly json?: true;
};

/** `hq work skills`: who can do what, by the contracts. */
export function registerSkills(work: Command, hq: Hq): void {
  const { io } = hq;
  work
    .command("skills")
    .description("skill contracts: all, those that fit, or one of them")
    .argument("[name]", "the contract of this skill")
    .option("--capability <word>", "only those that can do this")
    .option("--input <name>", "only those that take this in")
    .option("--output <name>", "only those that bring this out")
    .option("--json", "print JSON")
    .action((name: string | undefined, { json, ...query }: Options) =>
      hq.run(async () => {
        const client = hq.client("always");
        if (name !== undefined) {
          const contract = await client.ask<SkillContract>({ path: `/skills/${encodeURIComponent(name)}` });
          io.out(json ? `${jsonText(contract)}\n` : plainText(describe(contract)));
          return 0;
        }
        const path = `/skills?${new URLSearchParams(query).toString()}`;
        const { items } = await client.ask<{ readonly items: readonly SkillContract[] }>({ path });
        if (json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("No skill contract fits.\n");
        else
          io.out(
            table(items.map((one) => [one.name, `${one.estimated_minutes} min`, one.capabilities.join(" ")])),
          );
        return 0;
      }),
    );
}

function describe(contract: SkillContract): string {
  const { name, description, capabilities, inputs, outputs, downstream, upstream } = contract;
  const ports = (title: string, list: SkillContract["inputs"]) =>
    list.map(
      ({ name: port, type, required, description: what }) =>
        `  ${title} ${port} (${type}${required ? ", required" : ""}): ${what}`,
    );
  return [
    `${name}: ${description}`,
    `  can: ${capabilities.join(", ")}`,
    ...ports("in ", inputs),
    ...ports("out", outputs),
    `  from: ${upstream.join(", ") || "–"} · to: ${downstream.join(", ") || "–"}`,
    `  ${contract.estimated_minutes} minutes, model ${contract.model_preference}, ${contract.skill_path}`,
  ].join("\n");
}
