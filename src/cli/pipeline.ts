import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import type { HookTask } from "../domain/evolution.ts";
import { type PipelineView, summaryOf } from "../domain/pipeline.ts";
import type { RunView } from "../domain/run-view.ts";
import type { Advanced } from "../engine/work-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Hq, parseCount } from "./hq.ts";
import { jsonText, plainText, table } from "./print.ts";
import { waitForRun } from "./wait-run.ts";

type Json = { readonly json?: true };
type Stage = { readonly capability: string; readonly goal: string };
type Create = Json & {
  readonly name?: string;
  readonly project?: string;
  readonly stage?: readonly Stage[];
  readonly hooks?: string;
  readonly manual?: true;
  readonly caller?: string;
  readonly wait?: true;
  readonly deliver: boolean;
};

/** Exit codes of `advance`: what waits for people is no failure, and no success. */
const EXIT_OF: Readonly<Record<Advanced["outcome"], number>> = {
  started: 0,
  running: 0,
  done: 0,
  failed: 1,
  blocked: 4,
};

const pathOf = (id: string, rest = "") => `/pipelines/${encodeURIComponent(id)}${rest}`;

/** `hq workflow pipeline …` and what takes one through its stages by hand. */
export function registerPipelines(workflow: Command, hq: Hq): void {
  registerCreate(workflow, hq);
  registerList(workflow, hq);
  registerAdvance(workflow, hq);
  registerStages(workflow, hq);
}

function registerCreate(workflow: Command, hq: Hq): void {
  const { io } = hq;
  workflow
    .command("pipeline")
    .description("make a pipeline of capabilities and run it, or show one")
    .argument("[id]", "show this one; leave it out to make one")
    .option("--name <name>", "small letters, digits and dashes")
    .option("--project <name>", "what it belongs to")
    .option("--stage <capability=goal>", "a stage; repeated in order", parseStage)
    .option(
      "--hooks <list>",
      "what follows each stage; default sanity-check,reflect,skill-lifecycle; or none",
    )
    .option("--manual", "nothing is delegated: advance, complete-stage and fail-stage take it on by hand")
    .option("--caller <agent>", "for which agent you ask; its row of the matrix counts (operator only)")
    .option("--wait", "wait for the end of its run")
    .option("--no-deliver", "do not post the result to #results")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLE)
    .action((id: string | undefined, options: Create) =>
      hq.run(async () => {
        if (id !== undefined) return print(hq, await ask(hq, id), options.json);
        const client = hq.client("always");
        const view = await client.ask<PipelineView>({
          method: "POST",
          path: "/pipelines",
          body: bodyOf(options),
          key: randomUUID(),
          isRepeatable: true,
        });
        if (!options.wait || view.mode === "manual") return print(hq, view, options.json);
        io.err(plainText(summaryOf(view)));
        const run = await client.ask<RunView>({ path: `/runs/${encodeURIComponent(view.id)}` });
        return waitForRun(io, client, run, { isJson: options.json === true, atPeople: "ask" });
      }),
    );
}

const EXAMPLE = `
Example:
  hq workflow pipeline --name implement-auth-refresh --project mpmp \\
    --stage implement='Build refresh token endpoint' --stage testing='Write integration tests' \\
    --stage deploy='Deploy to staging' --stage verification='Verify deployment health'
`;

function bodyOf({ name, project, stage, hooks, manual, caller, deliver }: Create): object {
  if (name === undefined || stage === undefined) {
    throw new Refusal("invalid_input", "A pipeline needs --name and at least one --stage.", {
      hint: "hq workflow pipeline --name build --stage implement='…' --stage testing='…'",
    });
  }
  const postHooks = hooks?.split(",").map((word) => word.trim());
  return {
    name,
    project,
    stages: stage,
    manual,
    caller,
    ...(postHooks === undefined
      ? {}
      : { postHooks: postHooks.filter((word) => word !== "" && word !== "none") }),
    ...(deliver ? {} : { deliver }),
  };
}

/** For commander: `capability=goal`, split at the first `=`. */
function parseStage(text: string, before: readonly Stage[] = []): readonly Stage[] {
  const at = text.indexOf("=");
  const capability = text.slice(0, at).trim();
  const goal = text.slice(at + 1).trim();
  if (at < 0 || capability === "" || goal === "")
    throw new InvalidArgumentError("Write capability=goal, say --stage implement='Build the endpoint'.");
  return [...before, { capability, goal }];
}

function registerList(workflow: Command, hq: Hq): void {
  workflow
    .command("pipelines")
    .description("pipelines, newest first")
    .option("--status <status>", "only pending, in_progress, completed, failed or canceled")
    .option("--json", "print JSON")
    .action(({ status, json }: Json & { status?: string }) =>
      hq.run(async () => {
        const query = status === undefined ? "" : `?${new URLSearchParams({ status }).toString()}`;
        const path = `/pipelines${query}`;
        const { items } = await hq
          .client("if-used")
          .ask<{ readonly items: readonly PipelineView[] }>({ path });
        if (json) hq.io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) hq.io.err("No pipelines yet.\n");
        else
          hq.io.out(table(items.map((one) => [one.id, one.status, one.mode, one.project ?? "", one.name])));
        return 0;
      }),
    );
}

function registerAdvance(workflow: Command, hq: Hq): void {
  workflow
    .command("advance")
    .description("begin the stage that comes next, or say what holds it: blocked, running, failed or done")
    .argument("<id>", "the pipeline")
    .option("--resume", "begin the stage that failed once more")
    .option("--json", "print JSON")
    .action((id: string, { resume, json }: Json & { resume?: true }) =>
      hq.run(async () => {
        const body = resume ? { body: { resume } } : {};
        const path = pathOf(id, "/advance");
        const advanced = await hq.client("if-used").ask<Advanced>({ method: "POST", path, ...body });
        const { outcome, why, stage } = advanced;
        if (json) hq.io.out(`${jsonText(advanced)}\n`);
        else hq.io.out(plainText(`${outcome}: ${why}`));
        const hint = hintFor(id, outcome, stage);
        if (hint !== undefined) hq.io.err(`${hint}\n`);
        return EXIT_OF[outcome];
      }),
    );
}

function hintFor(id: string, outcome: Advanced["outcome"], stage: number | undefined): string | undefined {
  if (outcome === "blocked")
    return `A person can let it pass: hq workflow override ${id} ${stage} --reason "…"`;
  if (outcome === "failed") return `To do it once more: hq workflow advance ${id} --resume`;
  return undefined;
}

function registerStages(workflow: Command, hq: Hq): void {
  const add = (name: string, description: string) =>
    workflow
      .command(name)
      .description(description)
      .argument("<id>", "the pipeline")
      .argument("[stage]", "its number from 0; may be left out for the current one", parseCount(0, 99))
      .option("--json", "print JSON");
  const act = async (
    id: string,
    given: number | undefined,
    what: string,
    options: Json & { readonly reason?: string },
  ) => {
    const path = pathOf(id, `/stages/${await stageOf(hq, id, given)}/${what}`);
    const { reason, json } = options;
    const body = reason === undefined ? {} : { body: { reason } };
    return print(hq, await hq.client("if-used").ask<PipelineView>({ method: "POST", path, ...body }), json);
  };

  add("complete-stage", "a stage that is done by hand is done").action(
    (id: string, stage: number | undefined, options: Json) =>
      hq.run(() => act(id, stage, "complete", options)),
  );
  add("fail-stage", "a stage that is done by hand has failed")
    .option("--reason <text>", "why")
    .action((id: string, stage: number | undefined, options: Json & { reason?: string }) =>
      hq.run(() => act(id, stage, "fail", options)),
    );
  add("override", "let a stage pass of which sanity-check says fail; never for agents")
    .requiredOption("--reason <text>", "why it may pass; kept with your name")
    .action((id: string, stage: number | undefined, options: Json & { reason: string }) =>
      hq.run(() => act(id, stage, "override", options)),
    );
  add("post-hooks", "what is to be done after a stage")
    .option("--done", "that was done")
    .action((id: string, stage: number | undefined, { done, json }: Json & { done?: true }) =>
      hq.run(async () => {
        if (done) return act(id, stage, "post-hooks", json ? { json } : {});
        const path = pathOf(id, `/stages/${await stageOf(hq, id, stage, "ended")}/post-hooks`);
        const { items } = await hq.client("if-used").ask<{ readonly items: readonly HookTask[] }>({ path });
        if (json) hq.io.out(`${jsonText(items)}\n`);
        else
          hq.io.out(plainText(items.map(({ label, description }) => `${label}: ${description}`).join("\n")));
        return 0;
      }),
    );
}

/** The one that is meant when none is named: the current one, or the last that has ended. */
async function stageOf(
  hq: Hq,
  id: string,
  given: number | undefined,
  which: "current" | "ended" = "current",
): Promise<number> {
  if (given !== undefined) return given;
  const { stages, current } = await ask(hq, id);
  const ended = stages.findLast(({ status }) => status === "done" || status === "failed")?.index;
  return (which === "current" ? current : ended) ?? stages.length - 1;
}

function ask(hq: Hq, id: string): Promise<PipelineView> {
  return hq.client("if-used").ask<PipelineView>({ path: pathOf(id) });
}

function print({ io }: Hq, view: PipelineView, json: true | undefined): number {
  io.out(json ? `${jsonText(view)}\n` : plainText(summaryOf(view)));
  return 0;
}
