import { existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { isRunId } from "../../kernel/id.ts";
import { Refusal } from "../../kernel/refusal.ts";

/** Where one worker lives. All absolute. */
export type WorkerPlace = {
  /** `workers/agent-<time>-<random>`: what it may call its own, the state of its program too. */
  readonly agent: string;
  /** Where it works: TASK.txt, RESULT.txt. */
  readonly task: string;
  readonly log: string;
  /** What we write down about it, out of its way. */
  readonly record: string;
  readonly begun: string;
  readonly exit: string;
  /** Why we end it, written before we do: `canceled` or `timed_out`. */
  readonly verdict: string;
  readonly end: string;
};

const CONTROL = ".hq";

export function placeOf(dir: string, agent: string, id: string): WorkerPlace {
  const name = nameOf(id);
  if (!/^agent-[A-Za-z0-9-]{1,80}$/.test(agent))
    throw new Refusal("invalid_input", `"${agent}" is no name of a worker's folder: agent-<time>-<random>.`);
  const home = join(dir, agent);
  const task = join(home, "tasks", name);
  const control = (file: string) => join(home, CONTROL, `${name}.${file}`);
  return {
    agent: home,
    task,
    log: join(task, "agent-output.log"),
    record: control("record.json"),
    begun: control("begun"),
    exit: control("exit.json"),
    verdict: control("verdict"),
    end: control("end.json"),
  };
}

/** The id as the name of a folder; refuses what would lead elsewhere. */
export function nameOf(id: string): string {
  const name = id.replaceAll("/", "~");
  if (!isRunId(name)) throw new Refusal("invalid_input", `"${id}" cannot be the id of a worker.`);
  return name;
}

export function makePlace(place: WorkerPlace): void {
  mkdirSync(place.task, { recursive: true, mode: 0o700 });
  mkdirSync(join(place.agent, CONTROL), { recursive: true, mode: 0o700 });
}

/** Makes the folder of all workers and gives its real path: the marks of processes begin with it. */
export function makeWorkersFolder(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return realpathSync(dir);
}

export function agentsIn(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("agent-"))
    .map(({ name }) => name);
}

/** The names of the workers that were recorded in one agent's folder. */
export function recordedIn(dir: string, agent: string): readonly string[] {
  const control = join(dir, agent, CONTROL);
  if (!existsSync(control)) return [];
  return readdirSync(control).flatMap((file) => /^(.+)\.record\.json$/.exec(file)?.[1] ?? []);
}
