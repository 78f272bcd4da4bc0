import { currentAttempt } from "../domain/delegation.ts";
import { attemptMeant } from "../domain/delegation-evolve.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { handoffDigest, parseHandoffText } from "../domain/handoff-json.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Receive } from "./receive.ts";
import type { HandoffRecord } from "./verbs.ts";

/** How long after settlement what is posted is still answered with what became of it. */
export const GRACE_MS = 60 * 60_000;

export function createHandIn(deps: {
  readonly engine: Engine;
  readonly receive: Receive;
  /** The attempt a token is for; undefined when it is not this run's. */
  readonly verifyToken: (token: string, run: string) => number | undefined;
  readonly now: () => number;
}) {
  return async function handIn(
    runId: string,
    token: string,
    document: unknown,
    bytes: string,
  ): Promise<{ readonly delegation: DelegationView; readonly repeated: boolean }> {
    const attempt = deps.verifyToken(token, runId);
    const before = attempt === undefined ? undefined : await deps.engine.read("delegation", runId);
    if (attempt === undefined || !before) {
      throw new Refusal("unauthenticated", "The token does not belong to this run.", {
        hint: "Use the run id and the token exactly as they stand in the prompt.",
      });
    }
    if (before.outcome && deps.now() - before.outcome.at > GRACE_MS) {
      throw new Refusal("already_settled", `${runId} was settled as ${before.status} long ago.`);
    }
    const source = { path: "rest", digest: handoffDigest(bytes), attempt };
    const ofAttempt = attemptMeant(before, source);
    const isSame = (seen: DelegationState["handoffs"][number]) =>
      seen.digest === source.digest && seen.attempt === ofAttempt;
    const isPosted = (seen: DelegationState["handoffs"][number]) => seen.path === "rest" && isSame(seen);
    const known = before.handoffs.find(isPosted)?.verdict;
    if (known === "accepted" || known === "duplicate") return { delegation: viewOf(before), repeated: true };
    const parsed = parseHandoffText(bytes);
    const received = await deps.receive(
      parsed.state === "refused"
        ? { runId, ok: false, problems: parsed.problems, source }
        : { runId, ok: true, document, source },
    );
    if (!received) throw new Refusal("not_found", `There is no delegation ${runId}.`);
    const { state, problems } = received;
    const delegation = viewOf(state);
    const verdict = state.handoffs.findLast(isPosted)?.verdict;
    if (verdict === "accepted") return { delegation, repeated: false };
    // The same failure may have come as a file, which ended the attempt.
    const cameBefore = state.handoffs.some((seen) => isSame(seen) && seen.verdict === "accepted");
    if (verdict === "duplicate" || cameBefore) return { delegation, repeated: true };
    if (verdict === "rejected" || (verdict === "superseded" && problems.length > 0)) {
      throw new Refusal("invalid_input", "The handoff is not acceptable.", {
        hint: hintFor(state, verdict),
        problems,
      });
    }
    const why =
      verdict === "superseded"
        ? `Attempt ${currentAttempt(state).attempt} of ${runId} has begun`
        : `${runId} is already ${state.status}`;
    throw new Refusal("handoff_changed", `${why}; this document was recorded and changes nothing.`);
  };
}

function hintFor(state: DelegationState, verdict: "rejected" | "superseded"): string {
  const { order, status } = state;
  if (isSettled(status)) return `${order.id} is settled as ${status}.`;
  return verdict === "rejected"
    ? "It counts as a failed attempt; the next prompt names the problems."
    : `Attempt ${currentAttempt(state).attempt} has begun since, so it changes nothing. Mended it still counts.`;
}

type SeenEvent = {
  readonly at: number;
  readonly run?: string;
  readonly source: { readonly path: string; readonly digest: string; readonly attempt: number };
  readonly verdict: HandoffRecord["verdict"];
  readonly problems: HandoffRecord["problems"];
  readonly status?: string;
};

/** Every document that was seen, newest first, whatever became of it. */
export async function listHandoffs(
  ledger: Ledger,
  query: { readonly run?: string; readonly limit?: number },
): Promise<readonly HandoffRecord[]> {
  const limit = Math.min(500, query.limit ?? 50);
  const events = await ledger.events({
    types: ["handoff.seen"],
    before: Number.MAX_SAFE_INTEGER,
    limit,
    ...(query.run === undefined ? {} : { stream: query.run }),
  });
  return events.map(({ stream, body }) => {
    const { at, run, source, verdict, problems, status } = body as SeenEvent;
    const { path, digest, attempt } = source;
    return {
      at,
      run: run ?? stream,
      verdict,
      path,
      digest,
      attempt,
      problems,
      ...(status === undefined ? {} : { status }),
    };
  });
}
