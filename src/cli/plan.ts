import type { Command } from "commander";
import type { Hq } from "./hq.ts";
import { type Given, parseInput } from "./workflow-inputs.ts";

export type PlanOptions = {
  readonly answers?: string;
  readonly answer?: Given;
  readonly name?: string;
  readonly out?: string;
  readonly json?: true;
};

export function registerPlan(program: Command, hq: Hq): void {
  program
    .command("plan")
    .description("asks which pattern fits a task, and writes a workflow of it")
    .option("--answers <file>", "answers as one JSON object; what is missing is asked on a terminal")
    .option("--answer <key=value>", "one answer, such as independent=no; may be repeated", parseInput)
    .option("--name <name>", "of the workflow; made of the goal otherwise")
    .option("--out <file>", "write it to this new file, say workflows/my-plan.yaml; else it is printed")
    .option("--json", "print {name, pattern, path, answers, yaml, file?}")
    .action((options: PlanOptions) =>
      hq.run(async () => {
        const { makePlan } = await import("./make-plan.ts");
        return makePlan(hq.io, options);
      }),
    );
}
