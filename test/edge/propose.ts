import assert from "node:assert/strict";
import type { Supervisor } from "../support/supervisor.ts";

/** Work that taught something, and the proposals that follow from it. */
export async function propose({ call }: Supervisor): Promise<void> {
  const steps: readonly [string, unknown][] = [
    ["/work", { title: "Mend", slug: "mend", skill: "webster" }],
    ["/work/items/mend/start", undefined],
    ["/work/items/mend/notes", { notes: [{ type: "finding", text: "always check the clock" }] }],
    ["/work/items/mend/complete", undefined],
    ["/evolve", { slug: "mend" }],
  ];
  for (const [path, body] of steps) {
    const { status, body: told } = await call("POST", path, body);
    assert.ok(status < 300, `${path}: ${JSON.stringify(told)}`);
  }
}
