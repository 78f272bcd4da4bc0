import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { holderOf, takeClaim } from "../../src/agents/cluster/claim.ts";
import { clusterFolder } from "../support/cluster.ts";

const CHILD = join(import.meta.dirname, "cluster-claim-child.ts");

/** A process that waits to be told to take the claim. */
async function contender(t: TestContext, folder: string) {
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const said = async (): Promise<string> => {
    const [bytes] = (await once(child.stdout, "data")) as [Buffer];
    return bytes.toString().trim();
  };
  assert.equal(await said(), "ready");
  const ask = async () => {
    const answer = said();
    child.stdin.write("now\n");
    return answer;
  };
  return { child, ask };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

test("of many processes that want it at once exactly one has it, and after kill -9 exactly one other, round after round", async (t) => {
  const folder = clusterFolder(t);
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all(Array.from({ length: 6 }, () => contender(t, folder)));
    const answers = await Promise.all(all.map(({ ask }) => ask()));
    assert.deepEqual(answers.toSorted(), ["no", "no", "no", "no", "no", "yes"]);
    const winner = all[answers.indexOf("yes")]?.child;
    assert.equal(holderOf(folder)?.pid, winner?.pid);
    await Promise.all(all.map(({ child }) => kill(child)));
    assert.equal(holderOf(folder), undefined);
  }
});

test("a claim that was let go is free while its process lives, and no number comes twice", async (t) => {
  const folder = clusterFolder(t);
  const { ask } = await contender(t, folder);
  assert.equal(await ask(), "yes");
  assert.equal(takeClaim(folder), undefined);
  assert.equal(await ask(), "let go");
  assert.equal(holderOf(folder), undefined);
  const letGo = takeClaim(folder);
  assert.ok(letGo);
  assert.equal(holderOf(folder)?.pid, process.pid);
  letGo();
  assert.equal(holderOf(folder), undefined);
  assert.deepEqual(readdirSync(folder), ["keeper-2.claim"]);
});
