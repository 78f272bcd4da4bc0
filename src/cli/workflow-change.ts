import type { Command } from "commander";
import { type PipelineView, summaryOf } from "../domain/pipeline.ts";
import type { RunView } from "../domain/run-view.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import type { Client } from "./client.ts";
import type { Hq } from "./hq.ts";
import { jsonText, plainText } from "./print.ts";
import { openGates, standing } from "./run-lines.ts";

type Common = { readonly json?: true };

/** What people do to a run that is there. Who may is the supervisor's answer. */
export function registerWorkflowChanges(workflow: Command, hq: Hq): void {
  registerDecision(workflow, hq, "approve", "let a gate pass");
  registerDecision(workflow, hq, "reject", "say no at a gate: its step fails");

  add(workflow, "cancel", "begin nothing more and cancel what runs; cleanup steps still do")
    .option("--reason <text>", "why, for the history")
    .action((run: string, { json, reason }: Common & { reason?: string }) =>
      hq.run(async () => {
        try {
          return await change(hq, { run, path: "cancel", body: { reason }, json });
        } catch (error) {
          if (!isRefusal(error) || error.code !== "not_found") throw error;
          return cancelPipeline(hq, { id: run, reason, json }, error);
        }
      }),
    );

  add(workflow, "retry", "what failed once more, and what was skipped because of it")
    .argument("[step]", "only this step")
    .option("--task <text>", "stands in for the task of the step")
    .action((run: string, step: string | undefined, { json, task }: Common & { task?: string }) =>
      hq.run(() => {
        if (step !== undefined) return changeOnce(hq, { run, step, path: "retry", body: { task }, json });
        if (task === undefined) return changeOnce(hq, { run, path: "retry", body: {}, json });
        throw new Refusal("invalid_input", "--task is given without a step.", {
          hint: `Name the step whose task it is: hq workflow retry ${run} <step> --task "…".`,
        });
      }),
    );

  add(workflow, "rerun", "a step and all that depends on it once more, whatever came of them")
    .requiredOption("--from <step>", "where to begin")
    .action((run: string, { json, from }: Common & { from: string }) =>
      hq.run(() => changeOnce(hq, { run, path: "rerun", body: { from }, json })),
    );

  add(workflow, "skip", "go on without a step; the run is partial at best")
    .argument("<step>")
    .action((run: string, step: string, { json }: Common) =>
      hq.run(() => change(hq, { run, step, path: "skip", json })),
    );

  add(workflow, "accept-partial", "take what there is as the result: what has not begun is skipped").action(
    (run: string, { json }: Common) => hq.run(() => change(hq, { run, path: "accept-partial", json })),
  );
}

/** A pipeline by hand is no run, and is canceled by the same word. */
async function cancelPipeline(
  { io, client }: Hq,
  {
    id,
    reason,
    json,
  }: { readonly id: string; readonly reason: string | undefined; readonly json: true | undefined },
  noRun: Refusal,
): Promise<number> {
  const path = `/pipelines/${encodeURIComponent(id)}/cancel`;
  const view = await client("if-used")
    .ask<PipelineView>({ method: "POST", path, body: { reason } })
    .catch((error: unknown) => {
      throw isRefusal(error) && error.code === "not_found" ? noRun : error;
    });
  io.out(json ? `${jsonText(view)}\n` : plainText(summaryOf(view)));
  return 0;
}

function add(workflow: Command, name: string, description: string): Command {
  return workflow
    .command(name)
    .description(description)
    .argument("<run>", "the id of the run")
    .option("--json", "print the run as JSON");
}

function registerDecision(workflow: Command, hq: Hq, decision: "approve" | "reject", what: string): void {
  add(workflow, decision, what)
    .argument("[step]", "the gate; may be left out when one is open")
    .option("--reason <text>", "why, for the history and for those who read the result")
    .action((run: string, step: string | undefined, { json, reason }: Common & { reason?: string }) =>
      hq.run(async () => {
        const client = hq.client("if-used");
        const gate = await findGate(client, run, step);
        const body = { reason, digest: gate.digest };
        return change(hq, { run, step: gate.step, path: decision, body, json }, client);
      }),
    );
}

/** The gate that is meant, and what stands there now: a decision is about that and nothing later. */
async function findGate(
  client: Client,
  run: string,
  step: string | undefined,
): Promise<{ readonly step: string; readonly digest?: string | undefined }> {
  const view = await client.ask<RunView>({ path: runPath(run) });
  const open = openGates(view);
  if (step !== undefined) return { step, digest: open.find(({ id }) => id === step)?.gate.digest };
  const [first, ...others] = open;
  if (first && others.length === 0) return { step: first.id, digest: first.gate.digest };
  if (!first)
    throw new Refusal("already_settled", `No gate of ${run} is open; the run is ${standing(view)}.`, {
      hint: `\`hq workflow status ${run}\` shows each step and what it waits for.`,
    });
  throw new Refusal("invalid_input", `${open.length} gates of ${run} are open.`, {
    hint: `Name one: ${open.map(({ id }) => id).join(", ")}.`,
  });
}

type Act = {
  readonly run: string;
  readonly step?: string;
  readonly path: string;
  readonly body?: object;
  readonly json: true | undefined;
  readonly isRepeatable?: true;
};

/** Of the run as it is now: sent again after a broken connection it is done once. */
async function changeOnce(hq: Hq, act: Act): Promise<number> {
  const client = hq.client("if-used");
  // A supervisor that an older version started counts none, and would do it twice.
  const { resumes } = await client.ask<Partial<RunView>>({ path: runPath(act.run) });
  const once = resumes === undefined ? {} : { body: { ...act.body, resumes }, isRepeatable: true as const };
  return change(hq, { ...act, ...once }, client);
}

async function change({ io, client }: Hq, act: Act, connection: Client = client("if-used")): Promise<number> {
  const step = act.step === undefined ? "" : `/steps/${encodeURIComponent(act.step)}`;
  const view = await connection.ask<RunView>({
    method: "POST",
    path: `${runPath(act.run)}${step}/${act.path}`,
    ...(act.body ? { body: act.body } : {}),
    ...(act.isRepeatable ? { isRepeatable: true } : {}),
  });
  io.out(act.json ? `${jsonText(view)}\n` : `${view.id}: ${standing(view)}.\n`);
  if (view.status === "running") io.err(`See it with \`hq wait ${view.id}\`.\n`);
  return 0;
}

function runPath(run: string): string {
  return `/runs/${encodeURIComponent(run)}`;
}
