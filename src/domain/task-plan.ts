import type { Problem } from "../kernel/refusal.ts";
import type { Actor } from "./actor.ts";
import { findModel, STANDARD_WORKER, type TaskQueueSettings } from "./task-settings.ts";
import type { ParsedTask } from "./task-tags.ts";
import type { Executor, Task, TaskPlan } from "./task-types.ts";

/** People think for themselves how hard it is; without a tag, workers take this. */
const USUAL_THINKING = "medium";

/** Who does it: what the tags name, else what the configuration says. Workers only where they are switched on. */
export function planTask(
  { objective, tags }: ParsedTask,
  task: Pick<Task, "attachments" | "hops">,
  settings: TaskQueueSettings,
):
  | { readonly ok: true; readonly plan: TaskPlan }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const asked = executorOf(tags, settings);
  if ("problem" in asked) return { ok: false, problems: [asked.problem] };
  const { executor } = asked;
  const text = [objective, ...attached(task), ...hopsNote(task, settings)].join("\n\n");
  const timeoutMs =
    tags.timeoutMs ?? (executor.kind === "worker" ? workerTimeout(executor, settings) : undefined);
  return { ok: true, plan: { executor, text, ...(timeoutMs === undefined ? {} : { timeoutMs }) } };
}

type Asked = { readonly executor: Executor } | { readonly problem: Problem };

function executorOf(tags: ParsedTask["tags"], settings: TaskQueueSettings): Asked {
  const { agent, worker, workflow, model } = tags;
  if (workflow !== undefined) return { executor: { kind: "workflow", workflow } };
  if (agent !== undefined) return agentFor(agent, tags, settings);
  const { enabled } = settings.worker;
  if (worker !== undefined) return enabled ? workerFor(worker, tags, settings) : noWorkers("worker");
  if (model !== undefined && enabled) return workerFor(STANDARD_WORKER, tags, settings);
  if (settings.executor === "agent") return agentFor(settings.agent, tags, settings);
  return enabled ? workerFor(STANDARD_WORKER, tags, settings) : noWorkers("");
}

function agentFor(
  agent: string,
  { model, thinking }: ParsedTask["tags"],
  settings: TaskQueueSettings,
): Asked {
  const name = model === undefined ? undefined : findModel(settings, model)?.model;
  return {
    executor: {
      kind: "agent",
      agent,
      ...(name === undefined ? {} : { model: name }),
      ...(thinking === undefined ? {} : { thinking }),
    },
  };
}

function workerFor(worker: string, tags: ParsedTask["tags"], settings: TaskQueueSettings): Asked {
  const wanted = tags.model ?? settings.defaultModel;
  const { alias, model } = findModel(settings, wanted) ?? { alias: wanted, model: wanted };
  return { executor: { kind: "worker", worker, model, alias, thinking: tags.thinking ?? USUAL_THINKING } };
}

function noWorkers(path: string): Asked {
  const message =
    "no workers are switched on here: leave [worker:] out, or set task_queue.worker.enabled and task_queue.authors in config/hq.yaml";
  return { problem: { path, message } };
}

function workerTimeout(
  { worker, thinking }: Extract<Executor, { kind: "worker" }>,
  { worker: { kinds } }: TaskQueueSettings,
): number {
  const kind = kinds[worker] ?? kinds[STANDARD_WORKER];
  if (!kind) throw new Error(`the configuration has no worker ${worker}`);
  return thinking === "high" ? kind.timeoutHighMs : kind.timeoutMs;
}

function attached({ attachments }: Pick<Task, "attachments">): readonly string[] {
  if (attachments.length === 0) return [];
  const lines = attachments.map(
    ({ name, url, bytes }) => `- ${name} (${Math.ceil(bytes / 1024)} KiB): ${url}`,
  );
  return [`Attached:\n${lines.join("\n")}`];
}

/** Where bots may post tasks, whoever passes one on says over how many it came: so circles end. */
function hopsNote({ hops }: Pick<Task, "hops">, { authors }: TaskQueueSettings): readonly string[] {
  if (authors.bots.length === 0) return [];
  return [`(Whatever of this you post to the task queue ends with the line hop:${hops + 1})`];
}

/**
 * Why an author's posts are not taken; undefined = they are. Whoever came in by another door (command line, REST) was
 * let in there.
 */
export function authorProblem(
  author: Task["author"],
  actor: Actor,
  hops: number,
  { authors, hops: most }: Pick<TaskQueueSettings, "authors" | "hops">,
): string | undefined {
  if (actor.kind === "operator" || actor.kind === "system") return undefined;
  if (author.isBot && hops > most)
    return `this came over ${hops} bots, and at most ${most} may pass a task on (task_queue.hops).`;
  if (actor.kind === "agent") return undefined;
  if (author.isWebhook)
    return `${author.name} (${author.id}) posted it by a webhook or as an answer to a command, so whoever wanted it is not known.`;
  if (author.isBot) {
    if (authors.bots.includes(author.id)) return undefined;
    return `the bot ${author.name} (${author.id}) is not among task_queue.authors.bots of config/hq.yaml.`;
  }
  const { roles, users } = authors;
  if (roles.length === 0 && users.length === 0) return undefined;
  if (users.includes(author.id)) return undefined;
  const own = actor.roles ?? [];
  const isNamed = own.some(({ id, name }) => roles.some((role) => role === id || isSame(role, name)));
  if (isNamed) return undefined;
  return "only people named under task_queue.authors of config/hq.yaml may post tasks here. Ask the operator to add you or your role.";
}

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
