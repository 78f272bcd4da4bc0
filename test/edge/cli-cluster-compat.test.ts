import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { INSTALLATION } from "./cli-harness.ts";
import { newCluster } from "./cluster-fixture.ts";

/** As they are printed: the folder of the script is where people keep it. */
const LINES = [
  ["bash cluster.sh start", 0, /manager +A +\d+ +running +yes[^]*webster +H +\d+ +running +yes/],
  ["bash cluster.sh status", 0, /manager +A +\d+ +running +yes/],
  ["bash cluster.sh logs webster", 0, /listening/],
  ["bash cluster.sh logs", 0, /manager \| [^]*webster \| /],
  ["bash cluster.sh restart", 0, /webster +H +\d+ +running +yes/],
  ["bash cluster.sh stop", 0, /^manager {2}stopped\nwebster {2}stopped\n$/],
  ["bash cluster.sh status", 5, /webster +H +\d+ +stopped +no/],
] as const;

test("the cluster's own command lines run under their old name", async (t) => {
  const { run, env } = await newCluster(t);
  assert.equal((await run(["cluster", "init"])).code, 0);
  for (const [line, wanted, said] of LINES) {
    const answer = await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      execFile("sh", ["-c", line], { env, cwd: join(INSTALLATION, "compat") }, (error, out, err) =>
        resolve({ code: error?.code ?? 0, out, err }),
      );
    });
    assert.equal(answer.code, wanted, `${line}: ${answer.err}`);
    assert.match(answer.out, said, line);
  }
});
