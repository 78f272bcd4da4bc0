import { type Command, Option } from "commander";
import { listingOfWorkflow, type RunListing, type WorkflowListing } from "../api/listings.ts";
import { graphOfDefinition, graphOfRun } from "../domain/run-graph-text.ts";
import { RUN_STATUSES } from "../domain/run-types.ts";
import type { RunView } from "../domain/run-view.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { forTerminal, oneLine } from "../kernel/text.ts";
import { findHome } from "./home.ts";
import { type Hq, parseCount } from "./hq.ts";
import { jsonText, plainText } from "./print.ts";
import { describeRun, runTable } from "./run-text.ts";
import { findRunning } from "./running.ts";
import { describeWorkflow, workflowTable } from "./workflow-text.ts";

type StatusOptions = {
  readonly workflow?: string;
  readonly status?: string;
  readonly open?: true;
  readonly limit: number;
  readonly before?: string;
  readonly json?: true;
};

export function registerWorkflowReading(workflow: Command, hq: Hq): void {
  const { io } = hq;

  workflow
    .command("list")
    .description("all workflows, and what is wrong with those that cannot be run")
    .option("--json", "print JSON")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const items = await workflows(hq);
        if (options.json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("There are no workflows: add one to workflows/.\n");
        else io.out(workflowTable(items));
        for (const { name, problems } of items)
          for (const problem of problems) io.err(forTerminal(`${name}: ${problem}\n`));
        return 0;
      }),
    );

  workflow
    .command("show")
    .description("one workflow: its inputs, limits, steps and schedules")
    .argument("<name>")
    .option("--json", "print JSON")
    .action((name: string, options: { json?: true }) =>
      hq.run(async () => {
        const entry = await workflowNamed(hq, name);
        io.out(options.json ? `${jsonText(entry)}\n` : describeWorkflow(entry));
        return 0;
      }),
    );

  workflow
    .command("status")
    .description("the latest runs, or one of them")
    .argument("[id]", "the id of a run")
    .option("--workflow <name>", "only of this workflow")
    .addOption(new Option("--status <status>", "only these").choices(RUN_STATUSES))
    .option("--open", "only those that are not settled")
    .option("--limit <n>", "how many", parseCount(1, 200), 20)
    .option("--before <cursor>", "the page after: `next` of the page before")
    .option("--json", "print JSON")
    .action((id: string | undefined, options: StatusOptions) =>
      hq.run(() => (id === undefined ? showRuns(hq, options) : showRun(hq, id, options))),
    );

  workflow
    .command("graph")
    .description("the steps of a workflow or of a run as a mermaid flowchart")
    .argument("<name-or-run>", "the name of a workflow, or the id of a run")
    .option("--json", "print the graph as one JSON string")
    .action((name: string, options: { json?: true }) =>
      hq.run(async () => {
        const graph = await graphOf(hq, name);
        io.out(options.json ? `${jsonText(graph)}\n` : plainText(graph));
        return 0;
      }),
    );
}

/** From the supervisor when one runs: it may hold a last good definition. Else from the files. */
async function workflows(hq: Hq): Promise<readonly WorkflowListing[]> {
  if (await isRunning(hq)) {
    const { items } = await hq
      .client()
      .ask<{ readonly items: readonly WorkflowListing[] }>({ path: "/workflows" });
    return items;
  }
  const { readWorkflows } = await import("./workflow-files.ts");
  return readWorkflows(hq.io).entries.map(listingOfWorkflow);
}

async function workflowNamed(hq: Hq, name: string): Promise<WorkflowEntry> {
  if (await isRunning(hq))
    return hq.client().ask<WorkflowEntry>({ path: `/workflows/${encodeURIComponent(name)}` });
  const { findEntry, readWorkflows } = await import("./workflow-files.ts");
  return findEntry(readWorkflows(hq.io).entries, name);
}

async function isRunning({ io }: Hq): Promise<boolean> {
  return (await findRunning(findHome(io).home)) !== undefined;
}

async function graphOf(hq: Hq, name: string): Promise<string> {
  if ((await workflows(hq)).some((one) => one.name === name)) {
    const { definition, problems } = await workflowNamed(hq, name);
    if (definition) return graphOfDefinition(definition);
    throw new Refusal("invalid_input", `The workflow ${name} is not valid: ${problems.join("; ")}`);
  }
  try {
    return graphOfRun(await hq.client("if-used").ask<RunView>({ path: `/runs/${encodeURIComponent(name)}` }));
  } catch (error) {
    if (!isRefusal(error) || error.code !== "not_found") throw error;
    throw new Refusal("not_found", `There is no workflow and no run ${oneLine(name)}.`, {
      hint: "`hq workflow list` and `hq workflow status` show which there are.",
    });
  }
}

async function showRun({ io, client }: Hq, id: string, { json }: StatusOptions): Promise<number> {
  const view = await client("if-used").ask<RunView>({ path: `/runs/${encodeURIComponent(id)}` });
  io.out(json ? `${jsonText(view)}\n` : describeRun(view, io.now()));
  return 0;
}

function noRuns({ workflow, status, open, before }: StatusOptions): string {
  if (before !== undefined) return "No further runs.";
  return (workflow ?? status ?? open) ? "No run is like that." : "No runs yet.";
}

async function showRuns({ io, client }: Hq, options: StatusOptions): Promise<number> {
  const { workflow, status, open, limit, before, json } = options;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(workflow ? { workflow } : {}),
    ...(status ? { status } : {}),
    ...(open ? { open: "true" } : {}),
    ...(before === undefined ? {} : { before }),
  });
  const page = await client("if-used").ask<Page<RunListing>>({ path: `/runs?${query.toString()}` });
  if (json) io.out(`${jsonText(page)}\n`);
  else if (page.items.length === 0) io.err(`${noRuns(options)}\n`);
  else io.out(runTable(page.items, io.now()));
  if (page.next) io.err(`There are more: --before ${page.next}\n`);
  return 0;
}
