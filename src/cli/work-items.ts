import { type Command, Option } from "commander";
import { WORK_EVENTS, WORK_STATUSES } from "../domain/work-types.ts";
import { lineOfWork, type WorkItem } from "../domain/work-view.ts";
import type { WorkHook, WorkStats } from "../engine/work-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Hq, parseCount } from "./hq.ts";
import { jsonText, plainText, table } from "./print.ts";
import { itemPath, registerWorkChanges } from "./work-changes.ts";
import { registerSkills } from "./work-skills.ts";
import { describeWork, momentLine } from "./work-text.ts";

type ListOptions = {
  readonly status?: string;
  readonly project?: string;
  readonly skill?: string;
  readonly workflow?: string;
  readonly limit?: number;
  readonly json?: true;
};
type Json = { readonly json?: true };

/** `hq work …`: what is to be done, who does it, and what came of it. */
export function registerWork(program: Command, hq: Hq): void {
  const work = program
    .command("work")
    .description("work items: what is to be done, who does it, and what was found on the way");
  registerReading(work, hq);
  registerWorkChanges(work, hq);
  registerSkills(work, hq);
}

function registerReading(work: Command, hq: Hq): void {
  const { io } = hq;
  const client = () => hq.client("if-used");

  filtered(
    work.command("list").description("items, newest first; those of the latest 200 runs' steps as well"),
  )
    .option("--json", "print JSON")
    .action((options: ListOptions) =>
      hq.run(async () => {
        const { items } = await client().ask<{ readonly items: readonly WorkItem[] }>({
          path: `/work?${queryOf(options)}`,
        });
        if (options.json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("No work items.\n");
        else io.out(plainText(items.map(lineOfWork).join("\n")));
        return 0;
      }),
    );

  work
    .command("show")
    .description("one item with all that is known of it")
    .argument("<slug>")
    .option("--json", "print JSON, in the shape of the original's files")
    .action((slug: string, { json }: Json) =>
      hq.run(async () => {
        const item = await client().ask<WorkItem>({ path: itemPath(slug) });
        io.out(json ? `${jsonText(item)}\n` : plainText(describeWork(item)));
        return 0;
      }),
    );

  work
    .command("tail")
    .description("the latest moments of an item, oldest first")
    .argument("<slug>")
    .option("--limit <n>", "how many", parseCount(1, 500), 10)
    .option("--json", "print JSON")
    .action((slug: string, { limit, json }: Json & { limit: number }) =>
      hq.run(async () => {
        const { history } = await client().ask<WorkItem>({ path: itemPath(slug) });
        const moments = history.slice(-limit);
        io.out(json ? `${jsonText(moments)}\n` : plainText(moments.map(momentLine).join("\n")));
        return 0;
      }),
    );

  filtered(work.command("graph").description("who waits for whom as a mermaid flowchart"))
    .option("--json", "print the graph as one JSON string")
    .action((options: ListOptions) =>
      hq.run(async () => {
        const { items } = await client().ask<{ readonly items: readonly WorkItem[] }>({
          path: `/work?${queryOf({ limit: 500, ...options })}`,
        });
        const { graphOfWork } = await import("../domain/work-graph.ts");
        const graph = graphOfWork(items);
        io.out(options.json ? `${jsonText(graph)}\n` : plainText(graph));
        return 0;
      }),
    );

  work
    .command("hooks")
    .description(`what happened to items, oldest first: ${WORK_EVENTS.join(", ")}`)
    .argument("<event>")
    .option("--since <date>", "from this day or instant on, such as 2026-02-14", parseSince)
    .option("--limit <n>", "at most so many, the latest", parseCount(1, 500), 50)
    .option("--json", "print JSON")
    .action((event: string, { since, limit, json }: Json & { since?: number; limit: number }) =>
      hq.run(async () => {
        const query = new URLSearchParams({
          limit: String(limit),
          ...(since === undefined ? {} : { since: String(since) }),
        });
        const { items } = await client().ask<{ readonly items: readonly WorkHook[] }>({
          path: `/work/hooks/${encodeURIComponent(event)}?${query.toString()}`,
        });
        if (json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err(`No ${event} events.\n`);
        else io.out(plainText(items.map((item) => `${item.slug}  ${momentLine(item)}`).join("\n")));
        return 0;
      }),
    );

  work
    .command("stats")
    .description("how many items by status, project and skill")
    .option("--json", "print JSON")
    .action(({ json }: Json) =>
      hq.run(async () => {
        const stats = await client().ask<WorkStats>({ path: "/work/stats" });
        if (json) {
          io.out(`${jsonText(stats)}\n`);
          return 0;
        }
        const part = (title: string, counts: Readonly<Record<string, number>>) =>
          Object.entries(counts).map(([name, count]) => [title, name, String(count)]);
        const rows = [
          ["all", "", String(stats.total)],
          ...part("status", stats.byStatus),
          ...part("project", stats.byProject),
          ...part("skill", stats.bySkill),
        ];
        io.out(table(rows));
        return 0;
      }),
    );
}

function filtered(command: Command): Command {
  return command
    .addOption(new Option("--status <status>", "only these").choices(WORK_STATUSES))
    .option("--project <name>", "only of this project")
    .option("--skill <name>", "only for this skill")
    .option("--workflow <id>", "only stages and steps of this run or pipeline")
    .option("--limit <n>", "at most so many", parseCount(1, 500));
}

function queryOf({ status, project, skill, workflow, limit }: ListOptions): string {
  return new URLSearchParams({
    ...(status ? { status } : {}),
    ...(project ? { project } : {}),
    ...(skill ? { skill } : {}),
    ...(workflow ? { workflow } : {}),
    ...(limit === undefined ? {} : { limit: String(limit) }),
  }).toString();
}

/** A day begins at midnight UTC. */
function parseSince(text: string): number {
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new Refusal("invalid_input", `--since ${text} is no date.`, {
    hint: "Write a day or an instant, such as 2026-02-14 or 2026-02-14T10:00:00Z.",
  });
}
