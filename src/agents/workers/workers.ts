import type { TaskQueueSettings } from "../../domain/task-settings.ts";
import type { Log } from "../../engine/ports/log.ts";
import type { WorkerEnd, WorkerOrder, Workers } from "../../engine/ports/workers.ts";
import { removeGroup } from "./cgroup.ts";
import { environmentOf } from "./environment.ts";
import { composeCommand, composeInstructions, messageFor, sessionOf } from "./instructions.ts";
import { type Ending, readOutcome } from "./outcome.ts";
import { makePlace, makeWorkersFolder, placeOf, type WorkerPlace } from "./place.ts";
import { canSeeProcesses, endProcesses, huntWorker, huntWorkersIn, type Process } from "./processes.ts";
import { pruneWorkers } from "./prune.ts";
import { readEnd, readRecord, type WorkerRecord, writeOnce } from "./record.ts";
import { findRecords } from "./records.ts";
import { furnish, isKept, type Started, startKeeper, type WorkerPoint } from "./start-keeper.ts";
import { GRACE_MS, type Grace, readVerdict, untilGone, type Watched, watchWorker } from "./watch.ts";

type Work = {
  readonly place: WorkerPlace;
  readonly canceled: Promise<void>;
  readonly cancel: () => void;
  readonly end: Promise<WorkerEnd>;
};

export type WorkersDeps = {
  readonly settings: () => TaskQueueSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What no worker may see, whatever the name of the variable that holds it. */
  readonly secrets: () => readonly (string | undefined)[];
  readonly now: () => number;
  readonly log: Log;
  readonly crash?: (point: WorkerPoint) => void;
  readonly grace?: Grace;
};

/** `close` stops watching: the processes live on, and the next supervisor finds them. */
export type WorkersPart = Workers & { readonly close: () => Promise<void> };

/** Runs tasks as processes of their own. A promise of `run` that is open at `close` stays open. */
export function createWorkers(deps: WorkersDeps): WorkersPart {
  const { settings, now, log } = deps;
  const crash = deps.crash ?? (() => undefined);
  const grace = deps.grace ?? GRACE_MS;
  const works = new Map<string, Work>();
  const stops = new Set<() => void>();
  const waits = {
    add(stop: () => void) {
      const once = () => {
        stops.delete(once);
        stop();
      };
      stops.add(once);
      return once;
    },
  };
  let folder: string | undefined;
  const dir = () => {
    folder ??= makeWorkersFolder(settings().worker.dir);
    return folder;
  };

  function run(order: WorkerOrder): Promise<WorkerEnd> {
    const known = works.get(order.id);
    if (known) return known.end;
    let cancel: () => void = () => undefined;
    const canceled = new Promise<void>((resolve) => {
      cancel = resolve;
    });
    const place = placeOf(dir(), order.agent, order.id);
    const end = work(order, place, canceled).finally(() => works.delete(order.id));
    works.set(order.id, { place, canceled, cancel, end });
    return end;
  }

  async function work(order: WorkerOrder, place: WorkerPlace, canceled: Promise<void>): Promise<WorkerEnd> {
    const before = await readEnd(place.end);
    if (before) return before;
    if (!canSeeProcesses()) return refuse(order, place, "workers need a system with /proc, such as Linux");
    const record = await readRecord(place.record);
    if (record) {
      const isAlive = isKept(record);
      log.info({ worker: order.id, pid: record.keeper.pid, isAlive }, "a worker of before was found");
      const gone = untilGone(record, waits);
      const watched = await watchWorker({
        record,
        place,
        gone,
        canceled,
        isFound: !isAlive,
        now,
        waits,
        grace,
      });
      if (watched.ending) return finish(record, place, { ...watched, ending: watched.ending });
    }
    if ((await readVerdict(place)) !== undefined) return refuse(order, place, "canceled");
    const started = await start(order, place);
    if (typeof started === "string") return refuse(order, place, started);
    const release = waits.add(started.release);
    const watched = await watchWorker({ ...started, place, canceled, isFound: false, now, waits, grace });
    release();
    // Its keeper was killed before it began.
    const ending = watched.ending ?? ({ kind: "killed" } as const);
    return finish(started.record, place, { ...watched, ending });
  }

  /** The reason when the configuration does not let it start. */
  async function start(order: WorkerOrder, place: WorkerPlace): Promise<Started | string> {
    const { worker, englishOnly } = settings();
    const kind = Object.hasOwn(worker.kinds, order.worker) ? worker.kinds[order.worker] : undefined;
    if (!kind) return `there is no worker called "${order.worker}": see task_queue.worker.kinds in hq.yaml`;
    makePlace(place);
    try {
      const { summaryMax } = worker;
      await furnish(place, composeInstructions({ order, kind, folder: place.task, summaryMax, englishOnly }));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("the template ")) throw error;
      return `${error.message}: correct task_queue.worker, or AGENTS_MD_TEMPLATE`;
    }
    const command = composeCommand(kind.command, {
      session: sessionOf(order),
      folder: place.task,
      thinking: order.thinking,
      message: messageFor(place.task),
      model: order.model,
    });
    const env = environmentOf({
      env: deps.env,
      kind,
      secrets: deps.secrets(),
      model: order.model,
      state: place.agent,
      folder: place.task,
    });
    const started = await startKeeper({ order, place, command, env, logMax: worker.logMax, now, crash });
    log.info(
      { worker: order.id, pid: started.record.keeper.pid, folder: place.task },
      "a worker was started",
    );
    return started;
  }

  async function refuse(order: WorkerOrder, place: WorkerPlace, text: string): Promise<WorkerEnd> {
    makePlace(place);
    const ending: Ending = text === "canceled" ? { kind: "canceled" } : { kind: "refused", text };
    const at = now();
    return settle(order, place, { ending, program: "", startedAt: at, endedAt: at, survivors: [] });
  }

  function finish(
    { order, program, startedAt, group }: WorkerRecord,
    place: WorkerPlace,
    watched: Watched & { readonly ending: Ending },
  ): Promise<WorkerEnd> {
    const survivors = watched.survivors.map(({ pid }) => pid);
    if (group !== undefined) removeGroup(group);
    return settle(order, place, { ...watched, program, startedAt, survivors });
  }

  /** The first end that is on disk holds. */
  async function settle(
    order: WorkerOrder,
    place: WorkerPlace,
    how: Omit<Parameters<typeof readOutcome>[0], "order" | "place" | "queue">,
  ): Promise<WorkerEnd> {
    const end = await readOutcome({ order, place, queue: settings(), ...how });
    const holds = JSON.parse(await writeOnce(place.end, JSON.stringify(end))) as WorkerEnd;
    crash("worker:ended");
    log.info({ worker: order.id, status: holds.status }, "a worker ended");
    return holds;
  }

  async function kill(id: string): Promise<void> {
    const running = works.get(id);
    if (running) {
      makePlace(running.place);
      await writeOnce(running.place.verdict, "canceled");
      running.cancel();
      await running.end;
      return;
    }
    const found = (await findRecords(dir())).find(({ record }) => record.order.id === id);
    if (found) await killFound(found.record, found.place);
  }

  /** One that nobody of this process watches. What has ended already keeps its end. Resolves with whether it lived. */
  async function killFound(record: WorkerRecord, place: WorkerPlace): Promise<boolean> {
    const hunt = huntWorker(place);
    if (hunt().length === 0) return false;
    await writeOnce(place.verdict, "canceled");
    const survivors = await endProcesses(hunt, { graceMs: grace.canceled });
    prove(survivors);
    await finish(record, place, { ending: { kind: "canceled" }, endedAt: now(), survivors });
    return true;
  }

  async function killAll(): Promise<readonly string[]> {
    const watched = [...works];
    const others = (await findRecords(dir())).filter(
      ({ record }) => !works.has(record.order.id) && isKept(record),
    );
    // An emergency: nobody is asked to end first, and one hunt finds them all, those of no record too.
    const places = [...watched.map(([, { place }]) => place), ...others.map(({ place }) => place)];
    await Promise.all(
      places.map((place) => {
        makePlace(place);
        return writeOnce(place.verdict, "canceled");
      }),
    );
    const survivors = await endProcesses(huntWorkersIn([dir()]), { graceMs: 0 });
    prove(survivors);
    await Promise.all([
      ...watched.map(([id]) => kill(id)),
      ...others.map(({ record, place }) =>
        finish(record, place, { ending: { kind: "canceled" }, endedAt: now(), survivors: [] }),
      ),
    ]);
    return [...watched.map(([id]) => id), ...others.map(({ record }) => record.order.id)];
  }

  return {
    run,
    kill,
    killAll,
    prune: () =>
      pruneWorkers({
        dir: dir(),
        retentionMs: settings().worker.retentionMs,
        now: now(),
        isBusy: (place) => [...works.values()].some((each) => each.place.agent === place),
      }),
    async close() {
      for (const stop of stops) stop();
    },
  };
}

function prove(survivors: readonly Process[]): void {
  if (survivors.length === 0) return;
  throw new Error(`processes of workers could not be killed: ${survivors.map(({ pid }) => pid).join(", ")}`);
}
