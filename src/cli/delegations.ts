import { type Command, Option } from "commander";
import type { RunListing } from "../api/listings.ts";
import { DELEGATION_STATUSES, isSettled } from "../domain/delegation-types.ts";
import { modelText } from "../domain/model-choice.ts";
import type { RunView } from "../domain/run-view.ts";
import type { DelegationView } from "../domain/view.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import type { Health } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut, forTerminal, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { type Hq, parseCount } from "./hq.ts";
import { memberTable } from "./member-table.ts";
import { instant, jsonText, plainText, table } from "./print.ts";
import { describeRun, runTable } from "./run-text.ts";
import { describeTask } from "./task-text.ts";
import { workerOf } from "./wait-task.ts";
import { watchAll } from "./watch.ts";
import { findWork, pathOf } from "./work.ts";

type StatusOptions = {
  readonly json?: true;
  readonly agent?: string;
  readonly status?: string;
  readonly open?: true;
  readonly limit: number;
  readonly before?: string;
  readonly watch?: true;
};

export function registerStatus(program: Command, hq: Hq): void {
  program
    .command("status")
    .description("the supervisor, its latest runs and delegations, or one of them")
    .argument("[id]", "the id of a delegation, run or task")
    .option("--agent <agent>", "only this agent's delegations")
    .addOption(new Option("--status <status>", "only these").choices(DELEGATION_STATUSES))
    .option("--open", "only those that are not settled")
    .option("--limit <n>", "how many", parseCount(1, 200), 20)
    .option("--before <cursor>", "the page after: `next` of the page before")
    .option("-w, --watch", "what runs, waits and is late, live, until Ctrl-C")
    .option("--json", "print JSON; with --watch a line for each change")
    .action((id: string | undefined, options: StatusOptions) =>
      hq.run(() => {
        if (options.watch) return watch(hq, id, options);
        if (id !== undefined) refuseFilters(id, options);
        return id === undefined ? showAll(hq, options) : showOne(hq, id, options);
      }),
    );
}

/** `--limit` is none of them: it has a default, so whether somebody gave it cannot be seen. */
function refuseFilters(id: string, { agent, status, open, before }: StatusOptions): void {
  if ([agent, status, open, before].every((given) => given === undefined)) return;
  throw new Refusal(
    "invalid_input",
    "An id names one piece of work: --agent, --status, --open and --before filter many.",
    {
      hint: `Leave the filters out (hq status ${id}), or the id.`,
    },
  );
}

async function watch(hq: Hq, id: string | undefined, options: StatusOptions): Promise<number> {
  const { agent, status, open, before } = options;
  if ([id, agent, status, open, before].every((given) => given === undefined))
    return watchAll(hq, options.json ?? false);
  throw new Refusal(
    "invalid_input",
    "--watch shows all that is open, and nothing else goes with it but --json.",
    {
      hint:
        id === undefined
          ? "Leave the filters out."
          : `One of them: hq logs ${id} --follow, or hq wait ${id}.`,
    },
  );
}

async function showOne({ io, client }: Hq, id: string, { json }: StatusOptions): Promise<number> {
  const supervisor = client("if-used");
  const work = await findWork(supervisor, id);
  if (json) io.out(`${jsonText(work.view)}\n`);
  else if (work.kind === "task") {
    const worker = await workerOf(supervisor, work.view);
    io.out(describeTask(work.view, io.now(), worker));
  } else io.out(work.kind === "run" ? describeRun(work.view, io.now()) : describe(work.view, io.now()));
  return 0;
}

function noDelegations({ agent, status, open, before }: StatusOptions): string {
  if (before !== undefined) return "No further delegations.";
  return (agent ?? status ?? open) ? "No delegation is like that." : "No delegations yet.";
}

async function showAll({ io, client }: Hq, options: StatusOptions): Promise<number> {
  const hq = client();
  const { agent, status, open, limit, before } = options;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(agent ? { agent } : {}),
    ...(status ? { status } : {}),
    ...(open ? { open: "true" } : {}),
    ...(before === undefined ? {} : { before }),
  });
  const supervisor = await hq.ask<Health>({ path: "/health/ready" });
  const page = await hq.ask<Page<DelegationView>>({ path: `/delegations?${query.toString()}` });
  const isFiltered = agent !== undefined || status !== undefined || before !== undefined;
  const runs = isFiltered ? undefined : await hq.ask<Page<RunListing>>({ path: `/runs?${query.toString()}` });
  if (options.json) {
    const all = { supervisor, ...(runs ? { runs: runs.items } : {}), delegations: page.items };
    io.out(`${jsonText({ ...all, ...(page.next ? { next: page.next } : {}) })}\n`);
    return 0;
  }
  const { version, mode, ready, startedAt, checks, members } = supervisor;
  const up = formatDuration(io.now() - startedAt);
  io.out(`Atomizer HQ ${version} · ${mode} · ${ready ? "ready" : "not ready"} · up ${up}\n`);
  io.out(table(checks.map(({ name, ok, text }) => [`  ${name}`, ok ? "ok" : "!", text])));
  if (members) io.out(`\n${memberTable(members, io.now())}`);
  if (runs && runs.items.length > 0) io.out(`\n${runTable(runs.items, io.now())}`);
  if (page.items.length === 0) io.out(`\n${noDelegations(options)}\n`);
  else {
    const rows = page.items.map((view) => [
      view.id,
      view.status,
      view.agent,
      view.caller,
      formatDuration((view.settledAt ?? io.now()) - view.queuedAt),
      view.objective,
    ]);
    io.out(`\n${table([["ID", "STATUS", "AGENT", "CALLER", "TIME", "TASK"], ...rows])}`);
  }
  if (page.next) io.err(`There are more: --before ${page.next}\n`);
  return 0;
}

function describe(view: DelegationView, nowMs: number): string {
  const { handoff, waiting } = view;
  const attempt = `${view.attempt} of ${view.maxAttempts}`;
  const rows: (readonly [string, string])[] = [
    ["id", view.id],
    ["status", view.reason ? `${view.status}: ${view.reason}` : view.status],
    ["agent", view.agent],
    ...(view.model ? [["model", modelText(view.model)] as const] : []),
    ...(view.warnings ?? []).map((warning) => ["warning", warning] as const),
    ["asked by", `${view.asker} (${view.origin.door})`],
    ["task", cut(view.objective, 500)],
    ["attempt", attempt],
    ["asked at", instant(view.queuedAt)],
  ];
  if (view.dispatchedAt) rows.push(["sent at", instant(view.dispatchedAt)]);
  if (waiting) {
    const until = waiting.reason === "agent_draining" ? "given up" : "again";
    rows.push(["waiting", `${waiting.text} (${until} at ${instant(waiting.untilAt)})`]);
  } else if (view.status === "queued") rows.push(["waiting", `for its turn at ${view.agent}`]);
  if (view.deadlineAt && !isSettled(view.status)) {
    rows.push(["deadline", `${instant(view.deadlineAt)}, in ${formatDuration(view.deadlineAt - nowMs)}`]);
  }
  if (view.settledAt) {
    rows.push([
      "settled at",
      `${instant(view.settledAt)}, after ${formatDuration(view.settledAt - view.queuedAt)}`,
    ]);
  }
  for (const { path, message } of view.problems)
    rows.push(["problem", path ? `${path}: ${message}` : message]);
  if (handoff?.confidence) rows.push(["confidence", handoff.confidence]);
  if (handoff?.notes) rows.push(["notes", handoff.notes]);
  for (const artifact of handoff?.artifacts ?? []) rows.push(["artifact", artifact]);
  const head = rows.map(([name, value]) => `${name.padEnd(11)} ${oneLine(value, 600)}\n`).join("");
  return handoff ? `${head}\n${plainText(handoff.result)}` : forTerminal(head);
}

export function registerCancel(program: Command, hq: Hq): void {
  program
    .command("cancel")
    .description("end a delegation, run or task; what an agent still hands in is recorded as late")
    .argument("<id>")
    .option("--reason <text>", "why, for the history")
    .option("--json", "print JSON")
    .action((id: string, { reason, json }: { reason?: string; json?: true }) =>
      hq.run(async () => {
        const client = hq.client("if-used");
        const { kind } = await findWork(client, id);
        const view = await client.ask<DelegationView | RunView | TaskView>({
          method: "POST",
          path: `${pathOf(kind, id)}/${kind === "task" ? "withdraw" : "cancel"}`,
          body: { reason },
          isRepeatable: true,
        });
        // A run says that it is canceled when what ran has been told and its cleanup is done.
        const words = view.status === "running" ? "is being canceled" : `is ${view.status}`;
        hq.io.out(json ? `${jsonText(view)}\n` : `${view.id} ${words}.\n`);
        return 0;
      }),
    );
}
