import { type Acl, mayAsk } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { mayDo } from "../domain/permissions.ts";
import type { Settings } from "../domain/settings.ts";
import type { TaskWords } from "../domain/task-events.ts";
import { authorProblem, planTask } from "../domain/task-plan.ts";
import { parseTask } from "../domain/task-tags.ts";
import type { Executor, Task, TaskRefusal } from "../domain/task-types.ts";
import type { InputValue, WorkflowDefinition } from "../domain/workflow-types.ts";
import { isRefusal, type Problem } from "../kernel/refusal.ts";
import type { RunVerbs } from "./run-verbs.ts";

export type TaskWordsDeps = {
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly settings: () => Settings;
  readonly runs: Pick<RunVerbs, "workflows" | "workflow" | "planRun">;
};

/** What a message of the queue comes to: who may ask, what the tags say, who would do it. Changes nothing. */
export function createTaskWords(deps: TaskWordsDeps) {
  function parse(text: string, attachments: Task["attachments"]) {
    const { taskQueue } = deps.settings();
    const known = {
      models: taskQueue,
      workers: taskQueue.worker.enabled ? Object.keys(taskQueue.worker.kinds) : [],
      agents: deps.registry(),
      workflows: deps.runs.workflows().map(({ name }) => name),
    };
    return parseTask(text, known, attachments);
  }

  /** Undefined: it says nothing, so it is no task. */
  async function wordsOf(
    task: Pick<Task, "text" | "attachments" | "author" | "actor" | "hops">,
  ): Promise<TaskWords | undefined> {
    const parsed = parse(task.text, task.attachments);
    if (parsed.objective === "" && parsed.problems.length === 0) return undefined;
    const { objective, tags } = parsed;
    const refused = (refusal: TaskRefusal): TaskWords => ({ objective, tags, refusal });
    const { taskQueue } = deps.settings();
    const notAllowed = authorProblem(task.author, task.actor, task.hops, taskQueue);
    if (notAllowed !== undefined) return refused({ text: notAllowed, isFinal: true });
    const { allowed, text, hint = "" } = mayDo(deps.acl(), task.actor, "submit");
    if (!allowed) return refused({ text: `${text} ${hint}`.trim(), isFinal: true });
    const planned = planTask(parsed, task, taskQueue);
    const problems = [...parsed.problems, ...(planned.ok ? [] : planned.problems)];
    if (!planned.ok || problems.length > 0) return refused({ text: sentences(problems), isFinal: false });
    const forbidden = await refusalOf(task, planned.plan.executor, objective);
    return forbidden ? refused(forbidden) : { objective, tags, plan: planned.plan };
  }

  /** Each kind of executor has its own rule: the matrix, the rights of a person, every step of a workflow. */
  async function refusalOf(
    { actor, author }: Pick<Task, "actor" | "author">,
    executor: Executor,
    objective: string,
  ): Promise<TaskRefusal | undefined> {
    switch (executor.kind) {
      case "agent": {
        const card = deps.registry().find(executor.agent);
        if (!card) return { text: noAgent(executor.agent), isFinal: false };
        const { allowed, rule, text } = mayAsk(deps.acl(), actor, card.id);
        return allowed ? undefined : { text, isFinal: rule === UNMAPPED };
      }
      case "worker":
        return mayStartWorkers(actor, author, deps.settings()) ? undefined : noRight(actor);
      case "workflow":
        return workflowRefusal(actor, executor.workflow, objective);
    }
  }

  async function workflowRefusal(
    actor: Actor,
    workflow: string,
    objective: string,
  ): Promise<TaskRefusal | undefined> {
    try {
      const inputs = workflowInputs(deps.runs.workflow(workflow), objective);
      await deps.runs.planRun(actor, { workflow, inputs });
      return undefined;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { text: [error.message, error.hint ?? ""].join(" ").trim(), isFinal: false };
    }
  }

  return {
    wordsOf,
    /** What is wrong with the tags of a text, before it is posted. */
    problemsIn(text: string): readonly Problem[] {
      const parsed = parse(text, []);
      const planned = planTask(parsed, { attachments: [], hops: 0 }, deps.settings().taskQueue);
      return [...parsed.problems, ...(planned.ok ? [] : planned.problems)];
    },
  };
}

export type TaskWordsOf = ReturnType<typeof createTaskWords>;

const UNMAPPED = "unmapped person";

/** The text of a task is the first text that a workflow needs, or takes. */
export function workflowInputs(
  { inputs }: Pick<WorkflowDefinition, "inputs">,
  text: string,
): Readonly<Record<string, InputValue>> {
  const texts = inputs.filter(({ type }) => type === "string");
  const first = texts.find(({ required }) => required) ?? texts[0];
  return first ? { [first.name]: text } : {};
}

function noAgent(agent: string): string {
  return `there is no agent ${agent}: name one with [agent:], or let the operator set task_queue.agent in config/hq.yaml for tasks that name none.`;
}

/** Named authors may; where nobody is named, people with a right of their own. */
function mayStartWorkers(actor: Actor, author: Task["author"], { taskQueue }: Settings): boolean {
  if (actor.kind !== "person" || author.isBot) return true;
  const { roles, users } = taskQueue.authors;
  if (roles.length + users.length > 0) return true;
  return actor.rights.some((right) => right !== "read");
}

function noRight(actor: Actor): TaskRefusal {
  const text = `${actorName(actor)} may not start workers: no role or user entry in config/acl.yaml gives you a right. Ask the operator to add you there, or under task_queue.authors.`;
  return { text, isFinal: true };
}

function sentences(problems: readonly Problem[]): string {
  const said = problems.map(({ message }) => message);
  return said.length === 1 ? `${said[0]}.` : `\n${said.map((one) => `- ${one}`).join("\n")}`;
}
