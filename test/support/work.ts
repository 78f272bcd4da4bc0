import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadContracts } from "../../src/config/skill-contracts.ts";
import type { Actor } from "../../src/domain/actor.ts";
import type { WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf, startCore } from "./core.ts";

export const OPERATOR: Actor = { kind: "operator" };
export const WEBSTER: Actor = { kind: "agent", id: "webster" };
export const AUDITOR: Actor = { kind: "agent", id: "auditor" };

export const { contracts: CONTRACTS } = loadContracts(join(import.meta.dirname, "../../config"));

export const HOLDERS = [
  cardOf("webster", { skills: ["python-backend"] }),
  cardOf("nx-expert", { skills: ["devops"] }),
  cardOf("auditor", { capabilities: ["verification"] }),
];

/** A core whose agents hold the skills of the shipped contracts, and that has to end without anything broken. */
export async function startWork(
  t: TestContext,
  more: {
    readonly workflows?: readonly WorkflowDefinition[];
    readonly cards?: typeof HOLDERS;
    readonly crash?: (point: string) => void;
  } = {},
) {
  const home = mkdtempSync(join(tmpdir(), "hq-work-"));
  const core = await startCore(home, { cards: HOLDERS, contracts: CONTRACTS, ...more });
  t.after(async () => {
    await core.stop();
    rmSync(home, { recursive: true, force: true });
    assert.deepEqual(core.broken, []);
  });

  /** The words of a refusal. */
  async function no(asked: Promise<unknown>): Promise<string> {
    try {
      await asked;
      return "it was allowed";
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return `${error.code}: ${error.message}${error.hint ? ` | ${error.hint}` : ""}`;
    }
  }

  async function handIn(run: string, step: string, more: object = {}, generation = 1): Promise<void> {
    const id = `${run}.${step}${generation > 1 ? `~${generation}` : ""}`;
    await core.until(id, "attempt.dispatched");
    const { agent } = await core.verbs.delegation(id);
    await core.hand(id, handoffOf(id, { agent, ...more }));
    await core.settled();
  }

  return { ...core, no, handIn };
}
