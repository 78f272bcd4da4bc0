import type { Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import { SUMMARY_FILE, summaryDocument } from "../domain/run-documents.ts";
import type { Place, RunInput } from "../domain/run-types.ts";
import { childIdOf, workAt } from "../domain/run-work.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Engine } from "./accept.ts";
import type { Outcome as Performed } from "./loop.ts";
import type { ClaimedOf } from "./perform.ts";
import type { Agents } from "./ports/agents.ts";
import type { Crash } from "./ports/log.ts";
import type { RunFiles } from "./ports/run-files.ts";
import type { StepFiles } from "./step-files.ts";

const ASK_AGAIN_MS = 5 * 60_000;

/** A run's timers and files. */
export function createRunUpkeep(deps: {
  readonly engine: Engine;
  readonly agents: Agents;
  readonly registry: () => Registry;
  readonly files: RunFiles;
  readonly stepFiles: StepFiles;
  readonly now: () => number;
  readonly crash: Crash;
}) {
  const { engine, now, crash } = deps;

  /** A timer that became due is an input; whether it still means something is decided there. */
  async function timer(effect: ClaimedOf<"run-timer">): Promise<Performed> {
    crash("run-timer:claimed");
    const { run } = effect.body;
    // It was due when it was claimed, though our clock may have been set back to the ledger's since.
    const input = await inputOf(effect.body, Math.max(now(), effect.dueAt));
    if (!input) return { kind: "done", outcome: "means nothing any more" };
    const settles = [{ id: effect.id, outcome: "fired" }];
    await engine.accept({ kind: "run", stream: run, input, cause: effect.id, settles });
    crash("run-timer:recorded");
    return { kind: "recorded" };
  }

  async function inputOf(body: ClaimedOf<"run-timer">["body"], at: number): Promise<RunInput | undefined> {
    const { run, what, step = "", generation = 1, item } = body;
    switch (what) {
      case "deadline":
        return { type: "deadline", at };
      case "progress":
        return { type: "progress", at };
      case "wait":
        return { type: "wait-over", at, step, generation };
      case "remind":
        return { type: "gate-reminder", at, step, generation };
      case "expire":
        return { type: "gate-expired", at, step, generation };
      case "stall":
        return lookAtStall(run, { step, generation, ...(item === undefined ? {} : { item }) }, at);
    }
  }

  /** Nothing was heard for twice the expected time: what the ledger and the agent say of it. */
  async function lookAtStall(run: string, of: Place, at: number): Promise<RunInput | undefined> {
    const state = await engine.read("run", run);
    if (!state || workAt(state, of)?.status !== "running") return undefined;
    const child = await engine.read("delegation", childIdOf(run, of));
    if (!child) return undefined;
    const { agent } = child.order;
    const { dispatchedAt } = currentAttempt(child);
    if (dispatchedAt === undefined) {
      const why = child.waiting ? `: ${child.waiting.text}` : "; it works on something else";
      return stalled(of, at, `waiting for ${agent}${why}`);
    }
    const card = deps.registry().find(agent);
    const health = card && (await deps.agents.probe(card));
    const span = formatDuration(at - dispatchedAt);
    if (health?.state === "up") return stalled(of, at, `slow, waiting on ${agent} since ${span}`);
    const found = health ? ` (${health.text})` : "";
    return stalled(of, at, `${agent} has had it since ${span} and does not answer now${found}`);
  }

  /** The state when it is written, which may be newer than what asked for it: the last one is the right one. */
  async function fileRun(effect: ClaimedOf<"file-run">): Promise<Performed> {
    crash("file-run:claimed");
    const { run, step } = effect.body;
    const state = await engine.read("run", run);
    if (!state) throw new Error(`file-run of ${run}, which has no events`);
    if (step === undefined) {
      await deps.files.write(run, SUMMARY_FILE, summaryDocument(state));
      return { kind: "done", outcome: SUMMARY_FILE };
    }
    await deps.stepFiles.write(state, step);
    crash("file-run:written");
    return { kind: "done", outcome: step };
  }

  return { timer, fileRun };
}

function stalled(of: Place, at: number, text: string): RunInput {
  return { type: "stalled", at, of, text, againAt: at + ASK_AGAIN_MS };
}
