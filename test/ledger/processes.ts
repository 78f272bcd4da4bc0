import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Child = {
  /** The next line on stdout; undefined after the last. */
  readonly line: () => Promise<string | undefined>;
  /** SIGKILL, and all lines that were still in the pipe. */
  readonly kill: () => Promise<readonly string[]>;
};

export function startChild(act: "commit" | "hold", path: string): Child {
  const script = join(import.meta.dirname, "child.ts");
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [script, act, path]);
  child.stderr.pipe(process.stderr);
  const exited = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async () => {
    const next = await lines.next();
    return next.done ? undefined : next.value;
  };
  return {
    line,
    async kill() {
      child.kill("SIGKILL");
      await exited;
      const rest: string[] = [];
      for (let text = await line(); text !== undefined; text = await line()) rest.push(text);
      return rest;
    },
  };
}
