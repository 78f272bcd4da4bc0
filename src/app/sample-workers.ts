import { join } from "node:path";
import type { Config } from "../domain/config.ts";

const PROGRAM = join(import.meta.dirname, "..", "local", "worker", "sample-worker.ts");
const COMMAND = [process.execPath, PROGRAM, "work", "{session}", "{model}", "{thinking}"];

/** Where the configuration switches workers off, the sample worker stands in for every kind: it asks no model. */
export function withSampleWorkers(config: Config): Config {
  const { settings } = config;
  const { worker } = settings.taskQueue;
  if (worker.enabled) return config;
  const kinds = Object.fromEntries(
    Object.entries(worker.kinds).map(([name, kind]) => [name, { ...kind, command: COMMAND }]),
  );
  const taskQueue = { ...settings.taskQueue, worker: { ...worker, enabled: true, kinds } };
  return { ...config, settings: { ...settings, taskQueue } };
}
