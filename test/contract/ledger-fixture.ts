import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Effect, Lane } from "../../src/domain/effects.ts";
import { writeLines } from "../../src/domain/filing.ts";
import type { ClaimedEffect, ClaimRequest, Commit, Ledger, NewEvent } from "../../src/engine/ports/ledger.ts";

export type Open = (dir: string) => Promise<Ledger>;
export type Check = (
  sentence: string,
  body: (ledger: Ledger, reopen: () => Promise<Ledger>) => Promise<void>,
) => void;

/** An instant at which the suite's commits are made; claims name their own. */
export const AT = 1_700_000_000_000;

/** A test of the suite: a fresh store in a folder of its own, closed and removed afterwards. */
export function checkWith(name: string, open: Open): Check {
  return (sentence, body) => {
    test(`${name}: ${sentence}`, async () => {
      const dir = mkdtempSync(join(tmpdir(), "hq-ledger-"));
      let ledger: Ledger | undefined;
      const reopen = async () => {
        await ledger?.close();
        ledger = await open(dir);
        return ledger;
      };
      try {
        await body(await reopen(), reopen);
      } finally {
        await ledger?.close();
        rmSync(dir, { recursive: true, force: true });
      }
    });
  };
}

export function noted(text: string): NewEvent {
  return { type: "test.noted", schema: 1, body: { text } };
}

/** A commit with one event; everything else as given. */
export function commitOf(stream: string, more: Partial<Commit> = {}): Commit {
  return {
    stream,
    kind: "delegation",
    status: "queued",
    open: true,
    expectedVersion: 0,
    events: [noted(stream)],
    state: { stream },
    effects: [],
    cause: "input-1",
    actor: "operator",
    at: AT,
    ...more,
  };
}

/** An effect that waits for nothing but its instant. */
export function line(text: string, dueAt: number, lane: Lane = "any"): Effect {
  return { ...writeLines([{ file: "project", line: text }], dueAt), lane };
}

export function dispatch(run: string, agent: string, dueAt = AT, attempt = 1, again = false): Effect {
  return {
    body: { type: "dispatch", run, agent, attempt, again },
    lane: "any",
    dueAt,
    slot: { lane: `agent:${agent}`, attempt },
  };
}

export const one = () => 1;

export function claimOf(ledger: Ledger, more: Partial<ClaimRequest> = {}): Promise<readonly ClaimedEffect[]> {
  return ledger.claim({
    holder: "one",
    epoch: 1,
    lanes: ["any"],
    now: AT,
    limit: 100,
    holdMs: 10_000,
    capacity: one,
    ...more,
  });
}

export async function written(
  ledger: Ledger,
  commit: Commit,
): Promise<{ version: number; position: number }> {
  const committed = await ledger.commit(commit);
  assert.ok(committed.ok, `the commit on ${commit.stream} was refused`);
  return committed;
}

export const streams = (effects: readonly ClaimedEffect[]) => effects.map(({ stream }) => stream);
