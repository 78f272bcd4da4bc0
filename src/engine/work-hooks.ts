import { actorName } from "../domain/actor.ts";
import type { RunEvent, RunState } from "../domain/run-types.ts";
import type { WorkEvent, WorkEventName } from "../domain/work-types.ts";
import { isoOf } from "../domain/work-view.ts";
import type { Engine } from "./accept.ts";
import type { Ledger, StoredEvent } from "./ports/ledger.ts";
import { slugIn } from "./stage-check.ts";
import type { WorkHook, WorkVerbs } from "./work-verbs.ts";

const DEFAULT_LIMIT = 50;
const PAGE = 200;
/** So many events are looked through. */
const MOST_SEEN = 5000;

/** Facts of runs that are the same as facts of work items. */
const OF_RUNS: Readonly<Partial<Record<WorkEventName, RunEvent["type"]>>> = {
  created: "run.started",
  started: "step.started",
  completed: "step.settled",
  failed: "step.settled",
};

/** What happened to work items, oldest first: the events of their streams, and those of the runs that they are steps of. */
export function createWorkHooks({
  engine,
  ledger,
}: {
  readonly engine: Pick<Engine, "read">;
  readonly ledger: Pick<Ledger, "events">;
}): WorkVerbs["hooks"] {
  return async (event, { since = 0, limit = DEFAULT_LIMIT }) => {
    const types = [`work.${event}`, ...(OF_RUNS[event] === undefined ? [] : [OF_RUNS[event]])];
    const found: WorkHook[] = [];
    let before = Number.MAX_SAFE_INTEGER;
    for (let seen = 0; seen < MOST_SEEN && found.length < limit; seen += PAGE) {
      const page = await ledger.events({ types, before, limit: PAGE });
      for (const stored of page) {
        if (stored.at < since) return latest(found, limit);
        found.push(...(await hooksOf(stored, event)));
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      before = last.position;
    }
    return latest(found, limit);
  };

  async function hooksOf(stored: StoredEvent, event: WorkEventName): Promise<readonly WorkHook[]> {
    const { at, actor, stream } = stored;
    const line = (slug: string, payload: WorkHook["payload"], author = actor): WorkHook => {
      return { slug, event, timestamp: isoOf(at), author, payload };
    };
    if (stored.type.startsWith("work.")) {
      const body = stored.body as WorkEvent;
      if (body.type === "work.created") {
        const { title, project = "", assignee = "" } = body;
        return [line(body.slug, { title, project, skill: assignee }, actorName(body.maker))];
      }
      const { type: _, at: _at, actor: who, ...payload } = body;
      const shown = "note" in payload ? { ...payload.note } : payload;
      return [line(stream.slice("work-".length), shown, actorName(who))];
    }
    const run = await engine.read("run", stream);
    return run ? ofRun(run, stored.body as RunEvent, event, line) : [];
  }
}

function ofRun(
  run: RunState,
  body: RunEvent,
  event: WorkEventName,
  line: (slug: string, payload: WorkHook["payload"]) => WorkHook,
): readonly WorkHook[] {
  const tasks = run.order.definition.steps.filter(
    ({ action }) => action.kind === "task" || action.kind === "workflow",
  );
  const isTask = (step: string) => tasks.some(({ id }) => id === step);
  if (body.type === "run.started")
    return tasks.map(({ id }) => line(slugIn(run, id), { workflow: run.order.definition.name }));
  if (body.type === "step.started")
    return isTask(body.step) ? [line(slugIn(run, body.step), { generation: body.generation })] : [];
  if (body.type !== "step.settled" || !isTask(body.step)) return [];
  const { status, reason } = body.outcome;
  const isDone = status === "succeeded" || status === "partial";
  const isFailed = status === "failed" || status === "canceled";
  if (event === "completed" ? !isDone : !isFailed) return [];
  return [line(slugIn(run, body.step), { status, ...(reason === undefined ? {} : { reason }) })];
}

function latest(hooks: readonly WorkHook[], limit: number): readonly WorkHook[] {
  return hooks.slice(0, limit).toReversed();
}
