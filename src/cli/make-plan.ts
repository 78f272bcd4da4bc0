import { tmpdir } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { workflowPlaceOf } from "../app/workflow-place.ts";
import { nameOfFile, problemsOfText, workflowText, writeNew } from "../config/plan-file.ts";
import type { Config, ConfigProblem } from "../domain/config.ts";
import { ruleOfThumb, walkText } from "../domain/playbook/decision-tree.ts";
import { readDetails } from "../domain/playbook/plan-details.ts";
import { nameFor, planWorkflow } from "../domain/playbook/plan-workflow.ts";
import { AS_USUAL, makeFolder } from "../handoffs/make-folder.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Io } from "./io.ts";
import type { PlanOptions } from "./plan.ts";
import { askDetails, type GivenAnswers, readTreeAnswers, unanswered, walkWith } from "./plan-answers.ts";
import { jsonText } from "./print.ts";
import { readWorkflows } from "./workflow-files.ts";
import { readJson } from "./workflow-inputs.ts";

const GIVEN_UP = 130;

/** From the answers through the tree to a workflow that passes every check; nothing is written before the last answer. */
export async function makePlan(io: Io, options: PlanOptions): Promise<number> {
  const { config } = readWorkflows(io);
  const given = givenAnswers(io, options);
  const { answers, problems } = readTreeAnswers(given);
  if (problems.length > 0) throw unanswered(problems);
  const ended = new AbortController();
  const walk = await walkWith(answers, io.asking, ended.signal);
  if (!walk?.pattern) return GIVEN_UP;
  const { pattern, path } = walk;
  io.err(walkText(walk));
  if (given["minutes"] !== undefined) io.err(`${ruleOfThumb(Number(given["minutes"]))}\n`);
  const complete = io.asking
    ? await askDetails(pattern, given, config.registry, io.asking, ended.signal)
    : given;
  if (!complete) return GIVEN_UP;
  const details = readDetails(pattern, complete, config.registry);
  if (details.problems.length > 0) throw unanswered(details.problems);
  const goal = String(details.values["goal"]);
  const file = options.out === undefined ? undefined : resolve(io.cwd, options.out);
  const name = options.name ?? (file === undefined ? nameFor(goal, pattern) : nameOfFile(file));
  const yaml = workflowText(planWorkflow(name, pattern, details.values));
  checkFile(io, config, { name, yaml, file });
  if (file !== undefined) write(io, file, yaml);
  if (pattern === "inline")
    io.err(`Without a workflow: ${inlineCommand(String(details.values["by"]), goal)}\n`);
  if (options.json) {
    const written = file === undefined ? {} : { file };
    io.out(`${jsonText({ name, pattern, path, answers: details.values, yaml, ...written })}\n`);
  } else if (file === undefined) io.out(yaml);
  if (file !== undefined)
    io.err(`Written: ${relative(io.cwd, file)}. Look at it with: hq workflow run ${name} --dry-run\n`);
  return 0;
}

function givenAnswers(io: Io, { answers, answer = [] }: PlanOptions): GivenAnswers {
  const read = answers === undefined ? {} : readJson(io.cwd, "--answers", answers);
  if (typeof read !== "object" || read === null || Array.isArray(read))
    throw new Refusal("invalid_input", `${answers} must hold one JSON object: {"single": false, …}.`);
  return { ...(read as GivenAnswers), ...Object.fromEntries(answer) };
}

/** The name must be one that the loader takes, and the file must say it. */
function checkFile(
  io: Io,
  config: Config,
  plan: { readonly name: string; readonly yaml: string; readonly file: string | undefined },
): void {
  const { name, yaml, file } = plan;
  if (file !== undefined && (nameOfFile(file) !== name || !file.endsWith(".yaml"))) {
    throw new Refusal("invalid_input", `The workflow ${name} must stand in a file ${name}.yaml.`, {
      hint: `Say --out workflows/${name}.yaml, or leave --name out.`,
    });
  }
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new Refusal("invalid_input", `"${name}" is no name for a workflow.`, {
      hint: "Small letters, digits and dashes, beginning with a letter, at most 40: --name my-plan",
    });
  }
  const { problems, advice } = problemsOfText(name, yaml, workflowPlaceOf(config), tmpdir());
  const say = ({ path, message, suggestion }: ConfigProblem) =>
    `${path}: ${message}${suggestion === undefined ? "" : ` (${suggestion})`}`;
  for (const one of advice) io.err(`warning: ${say(one)}\n`);
  if (problems.length === 0) return;
  throw new Refusal("invalid_input", "These answers make no valid workflow.", {
    problems: problems.map(({ path, message }) => ({ path, message })),
  });
}

function write(io: Io, file: string, yaml: string): void {
  makeFolder(dirname(file), AS_USUAL);
  if (writeNew(file, yaml)) return;
  throw new Refusal("invalid_input", `${relative(io.cwd, file)} is there already and was left as it is.`, {
    hint: "Name another file with --out.",
  });
}

/** To be copied into a shell. */
function inlineCommand(agent: string, goal: string): string {
  return `hq delegate ${agent} '${goal.replaceAll("'", "'\\''")}'`;
}
