import { statSync } from "node:fs";
import { join } from "node:path";
import type { Leftover, Leftovers } from "../../engine/ports/leftovers.ts";
import { agentsIn, recordedIn } from "./place.ts";

/** The folders of workers, with the streams that their records name. */
export function createWorkerLeftovers(dir: () => string): Leftovers {
  return {
    async *all(since) {
      const found: Leftover[] = [];
      for (const agent of agentsIn(dir())) {
        const path = join(dir(), agent);
        const stats = statSync(path, { throwIfNoEntry: false });
        if (!stats || (since !== undefined && stats.mtimeMs < since)) continue;
        for (const name of recordedIn(dir(), agent)) {
          const stream = streamNamed(name);
          if (stream !== undefined) found.push({ where: "worker", path, stream, modifiedAt: stats.mtimeMs });
        }
      }
      yield found;
    },
  };
}

/** `task-1~2.again` is the second try of task-1, begun once more: the stream is `task-1.w2`. */
function streamNamed(name: string): string | undefined {
  const [, task, number = "1"] = /^(task-\d+)(?:~(\d+))?(?:\.again\d*)?$/.exec(name) ?? [];
  return task === undefined ? undefined : `${task}.w${number}`;
}
