import type { DelegationState } from "../domain/delegation-types.ts";
import { stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";

const MOST_LOOKED_AT = 20;
const KEPT_MS = 60_000;

/** How long an agent's work usually takes, from acknowledgment to handoff: the median of its latest ones, in ms; undefined without history. */
export type ExpectedMs = (agent: string) => Promise<number | undefined>;

export function createExpectations(deps: {
  readonly ledger: Ledger;
  readonly now: () => number;
}): ExpectedMs {
  const kept = new Map<string, { readonly at: number; readonly ms: number | undefined }>();

  return async (agent) => {
    const known = kept.get(agent);
    if (known && deps.now() - known.at < KEPT_MS) return known.ms;
    const { items } = await deps.ledger.list({
      kind: "delegation",
      agent,
      status: ["succeeded", "partial"],
      open: false,
      limit: MOST_LOOKED_AT,
    });
    const spans = items.flatMap((loaded) => spanOf(stateOf("delegation", loaded))).toSorted((a, b) => a - b);
    const ms = spans[Math.floor(spans.length / 2)];
    kept.set(agent, { at: deps.now(), ms });
    return ms;
  };
}

/** Of the attempt that brought the result, be it that a later one had begun. */
function spanOf({ attempts, handoffs, outcome }: DelegationState): readonly number[] {
  const brought = handoffs.findLast(({ verdict }) => verdict === "accepted")?.attempt;
  const from = attempts.find(({ attempt }) => attempt === brought)?.dispatchedAt;
  return from === undefined || !outcome ? [] : [Math.max(0, outcome.at - from)];
}
