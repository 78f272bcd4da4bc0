import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { digestOf } from "../../src/kernel/id.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "./supervisor.ts";

/** A folder for supervisors; they are killed, and it is removed, when the test is over. */
export function supervisedFolder(t: TestContext, prefix: string) {
  const folder = temporaryFolder(prefix);
  const living: Supervisor[] = [];
  t.after(async () => {
    for (const { child, exited } of living) {
      child.kill("SIGKILL");
      await exited;
    }
    folder.remove();
  });
  return {
    path: folder.path,
    async start(env: Record<string, string> = {}, home = folder.path): Promise<Supervisor> {
      const supervisor = await startSupervisor(home, env);
      living.push(supervisor);
      return supervisor;
    },
  };
}

/** Asks for work over REST, once however often; returns its address. */
export async function beginWork({ call }: Supervisor, path: string, body: object): Promise<string> {
  const begun = await call("POST", path, body, { "idempotency-key": digestOf(JSON.stringify(body)) });
  assert.ok(begun.status < 300, JSON.stringify(begun.body));
  return `${path}/${begun.body.id}`;
}

/** Waits until the work at an address is done well. */
export async function workDone({ call }: Supervisor, path: string): Promise<void> {
  const { body } = await call("GET", `${path}?wait=60s`);
  assert.ok(["succeeded", "done"].includes(body.status), JSON.stringify(body));
}
