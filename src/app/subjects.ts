import type { DelegationState } from "../domain/delegation-types.ts";
import type { RunState } from "../domain/run-types.ts";
import type { Engine } from "../engine/accept.ts";

export type SubjectState =
  | { readonly kind: "delegation"; readonly state: DelegationState }
  | { readonly kind: "run"; readonly state: RunState };

/** The delegation or run of an id. Ids that people choose do not say which; `wf-` is most often a run. */
export async function subjectOf(engine: Engine, stream: string): Promise<SubjectState> {
  const run = async () => {
    const state = await engine.read("run", stream);
    return state && { kind: "run" as const, state };
  };
  const delegation = async () => {
    const state = await engine.read("delegation", stream);
    return state && { kind: "delegation" as const, state };
  };
  const order = stream.startsWith("wf-") ? [run, delegation] : [delegation, run];
  for (const look of order) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`a delivery tells of ${stream}, which has no events`);
}
