/** Started by tests as a process of its own, so that it can be killed: runs one order and prints its end. */
import { createWorkers } from "../../src/agents/workers/workers.ts";
import type { WorkerOrder } from "../../src/engine/ports/workers.ts";
import { queueOf } from "./worker-fixture.ts";

const { home, order, command, dieAt } = JSON.parse(process.env["SUPERVISOR"] ?? "{}") as {
  home: string;
  order: WorkerOrder;
  command?: readonly string[];
  dieAt?: string;
};
const workers = createWorkers({
  settings: () => queueOf(home, command ? { kind: { command } } : {}),
  env: process.env,
  secrets: () => [],
  now: Date.now,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  crash: (point) => {
    if (point === dieAt) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(`${JSON.stringify(await workers.run(order))}\n`);
