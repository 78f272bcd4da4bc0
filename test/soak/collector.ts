import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { Supervisor } from "../support/supervisor.ts";

/** Lets a process that is asked for it listen for its collector on a free port. */
export const COLLECTABLE = "--inspect-port=0";
const HELD = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
const LISTENING = /Debugger listening on (ws:\S+)/;

/**
 * Has a running process collect its garbage, from outside, and say what it holds then: without the waves of what it has
 * let go of already. It runs as it always does until it is asked.
 */
export async function openCollector({ ready, stderr }: Supervisor) {
  process.kill(ready.pid, "SIGUSR1");
  let address = LISTENING.exec(stderr());
  while (!address) {
    await pause(20);
    address = LISTENING.exec(stderr());
  }
  const socket = new WebSocket(String(address[1]));
  await once(socket, "open");
  const closed = once(socket, "close");
  const gone = closed.then((): never => {
    throw new Error("the process went away");
  });
  // Whoever waits hears it; at the end nobody does.
  void Promise.allSettled([gone]);
  let asked = 0;

  async function call(method: string, params: object = {}): Promise<unknown> {
    const id = ++asked;
    const answered = Promise.withResolvers<unknown>();
    const hear = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as {
        id?: number;
        error?: { message: string };
        result?: unknown;
      };
      if (answer.id !== id) return;
      if (answer.error) answered.reject(new Error(answer.error.message));
      else answered.resolve(answer.result);
    };
    socket.addEventListener("message", hear);
    socket.send(JSON.stringify({ id, method, params }));
    return Promise.race([answered.promise, gone]).finally(() => socket.removeEventListener("message", hear));
  }

  return {
    /** Bytes that it holds: its objects and its buffers. Only a second collection takes what the first one finalized. */
    async collect(): Promise<number> {
      await call("HeapProfiler.collectGarbage");
      await call("HeapProfiler.collectGarbage");
      const { result } = (await call("Runtime.evaluate", { expression: HELD, returnByValue: true })) as {
        result: { value?: number };
      };
      if (typeof result.value !== "number") throw new Error("the process does not say what it holds");
      return result.value;
    },
    async close(): Promise<void> {
      socket.close();
      await closed;
    },
  };
}
