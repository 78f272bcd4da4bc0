import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { BATCH_TASK_STATUSES, BATCH_TYPES } from "../domain/batch-types.ts";
import { type BatchResults, type BatchView, briefOfBatch } from "../domain/batch-view.ts";
import { type BatchCommand, createBatchCommand, readJson } from "./batch-command.ts";
import { registerBatchImport } from "./batch-import.ts";
import type { Hq } from "./hq.ts";
import { parseCount } from "./hq.ts";

const LONGEST_AGE_DAYS = 36_500;

/** Batches that an agent spawns and tracks by hand: JSON in and out. */
export function registerBatch(program: Command, hq: Hq): void {
  const group = program
    .command("batch")
    .alias("ledger")
    .description("batches that you spawn and track by hand; prints JSON")
    .option("--ledger <file>", "an old workflows.json; only for import");
  const batch = createBatchCommand(hq, group);
  registerChanges(group, batch);
  registerReading(group, batch);
  registerDecisions(group, batch);
  registerBatchImport(group, batch);
}

type CreateOptions = {
  readonly type: string;
  readonly subtasks: string;
  readonly metadata?: string;
  readonly key?: string;
};
type UpdateOptions = {
  readonly id: string;
  readonly taskId: string;
  readonly status: string;
  readonly result?: string;
  readonly sessionKey?: string;
};

function registerChanges(group: Command, batch: BatchCommand): void {
  group
    .command("create")
    .description("register a batch; prints it with its workflow_id and the labels to spawn under")
    .addOption(new Option("--type <type>", "its pattern").choices(BATCH_TYPES).makeOptionMandatory())
    .requiredOption("--subtasks <json>", '[{"id": "t1", "label": "Review auth"}]; - reads standard input')
    .option("--metadata <json>", "yours; expected_minutes in it is how long a task should take")
    .option("--key <key>", "the same key again answers the batch that it registered")
    .option("--json", "print JSON, as always here")
    .action((options: CreateOptions) =>
      batch.run(async () => {
        const subtasks = readJson("--subtasks", await batch.text(options.subtasks));
        const view = await batch.ask<BatchView>({
          method: "POST",
          path: "/batches",
          body: { type: options.type, subtasks, metadata: readMetadata(options.metadata) },
          key: options.key ?? randomUUID(),
          isRepeatable: true,
        });
        batch.print({ outcome: "created", ...view });
      }),
    );

  group
    .command("update")
    .description("say how a task stands; saying the same again changes nothing")
    .requiredOption("--id <workflow>", "the batch")
    .requiredOption("--task-id <task>", "the task")
    .addOption(
      new Option("--status <status>", "how it stands")
        .choices([...BATCH_TASK_STATUSES, "canceled"])
        .makeOptionMandatory(),
    )
    .option("--result <text>", "what it brought, or for failed the error; - reads standard input")
    .option("--session-key <key>", "of the sub-agent that does it")
    .option("--json", "print JSON, as always here")
    .action((options: UpdateOptions) =>
      batch.run(async () => {
        const { id, taskId, status, sessionKey: session_key } = options;
        const result = options.result === undefined ? undefined : await batch.text(options.result);
        const view = await batch.ask<BatchView>({
          method: "POST",
          path: `${pathOf(id)}/tasks/${encodeURIComponent(taskId)}`,
          body: { status, result, session_key },
          isRepeatable: true,
        });
        batch.print({ outcome: "updated", ...view });
      }),
    );
}

function registerReading(group: Command, batch: BatchCommand): void {
  group
    .command("status")
    .description("how a batch stands, with what the last failed tries said")
    .requiredOption("--id <workflow>", "the batch")
    .option("--brief", "one line, for a heartbeat")
    .option("--json", "print JSON, as without --brief")
    .action(({ id, brief, json }: { id: string; brief?: true; json?: true }) =>
      batch.run(async () => {
        const view = await batch.ask<BatchView>({ path: pathOf(id) });
        if (brief && !json) batch.line(briefOfBatch(view));
        else batch.print(view);
      }),
    );

  group
    .command("aggregate")
    .description("what it brought, and what failed or is missing")
    .requiredOption("--id <workflow>", "the batch")
    .option("--json", "print JSON, as always here")
    .action(({ id }: { id: string }) =>
      batch.run(async () => batch.print(await batch.ask<BatchResults>({ path: `${pathOf(id)}/results` }))),
    );

  group
    .command("list")
    .description("your batches, those that changed last first")
    .option("--active", "only those that are not over")
    .option("--json", "print JSON, as always here")
    .action(({ active }: { active?: true }) =>
      batch.run(async () => {
        const path = active ? "/batches?active=true" : "/batches";
        const { workflows } = await batch.ask<{ readonly workflows: readonly BatchView[] }>({ path });
        batch.print({ workflows, total: workflows.length });
      }),
    );
}

type ResumeOptions = {
  readonly id: string;
  readonly choice: string;
  readonly subtasks?: string;
  readonly reason?: string;
};

function registerDecisions(group: Command, batch: BatchCommand): void {
  group
    .command("resume")
    .description("go on after too many failures, as the user wishes")
    .requiredOption("--id <workflow>", "the batch")
    .addOption(
      new Option("--choice <choice>", "retry: what failed once more; adjust: go on without it")
        .choices(["retry", "adjust"])
        .makeOptionMandatory(),
    )
    .option("--subtasks <json>", "with adjust: other tasks in its place; - reads standard input")
    .option("--reason <text>", "kept in its history")
    .option("--json", "print JSON, as always here")
    .action((options: ResumeOptions) =>
      batch.run(async () => {
        const { id, choice, reason } = options;
        const said = options.subtasks === undefined ? undefined : await batch.text(options.subtasks);
        const subtasks = said === undefined ? undefined : readJson("--subtasks", said);
        const body = { choice, subtasks, reason };
        const view = await batch.ask<BatchView>({ method: "POST", path: `${pathOf(id)}/resume`, body });
        batch.print({ outcome: "resumed", ...view });
      }),
    );

  group
    .command("accept")
    .description("take what there is; what has not ended is cancelled")
    .requiredOption("--id <workflow>", "the batch")
    .option("--reason <text>", "kept in its history")
    .option("--json", "print JSON, as always here")
    .action(({ id, reason }: { id: string; reason?: string }) =>
      batch.run(async () => {
        const view = await batch.ask<BatchView>({
          method: "POST",
          path: `${pathOf(id)}/accept`,
          body: { reason },
        });
        batch.print({ outcome: "accepted", ...view });
      }),
    );

  group
    .command("cleanup")
    .description("take out batches that are over and did not change for some days")
    .option("--days <n>", "for how many days (7)", parseCount(0, LONGEST_AGE_DAYS))
    .option("--dry-run", "only name them")
    .option("--json", "print JSON, as always here")
    .action(({ days, dryRun }: { days?: number; dryRun?: true }) =>
      batch.run(async () => {
        const body = { days, dry_run: dryRun === true };
        const call = { method: "POST", path: "/batches/cleanup", body, isRepeatable: true } as const;
        const { removed, remaining } = await batch.ask<{ removed: readonly string[]; remaining: number }>(
          call,
        );
        const outcome = dryRun ? "would be cleaned" : "cleaned";
        batch.print({ outcome, removed: removed.length, workflow_ids: removed, remaining });
      }),
    );
}

const pathOf = (id: string) => `/batches/${encodeURIComponent(id)}`;

/** What is no JSON object is kept as it was said. */
function readMetadata(said: string | undefined): object | undefined {
  if (said === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(said);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : { raw: value };
  } catch {
    return { raw: said };
  }
}
