import type { Acl } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import { nextOf, type PipelineState, type PipelineView } from "../domain/pipeline.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { ChangeWork } from "./create-work-verbs.ts";
import { permit } from "./ownership.ts";
import { stageSlug } from "./pipeline-view.ts";
import type { WorkItems } from "./work-items.ts";

/** Ends a pipeline by hand: once, and what is under way in it has failed for that reason. */
export function createCancelPipeline(deps: {
  readonly engine: Pick<Engine, "accept">;
  readonly items: Pick<WorkItems, "find">;
  readonly acl: () => Acl;
  readonly change: ChangeWork;
  readonly now: () => number;
}) {
  const { engine, items, acl, change, now } = deps;
  return async (
    actor: Actor,
    {
      state,
      view,
      reason,
    }: {
      readonly state: PipelineState;
      readonly view: PipelineView;
      readonly reason: string | undefined;
    },
  ): Promise<void> => {
    const { id, maker } = state;
    permit(acl(), actor, "cancel", { id, asker: maker, what: "cancel" });
    const told = reason === undefined ? {} : { reason };
    const input = { type: "cancel", by: actor, at: now(), ...told } as const;
    await engine.accept({ kind: "pipeline", stream: id, input, cause: `cancel ${id}`, actor });
    const next = nextOf(view.stages);
    if (next.outcome !== "running") return;
    const item = await items.find(stageSlug(id, next.stage));
    await change(actor, item, { type: "fail", at: now(), actor, reason: "the pipeline was canceled" });
  };
}

/** Nothing of it begins or ends by hand after that. */
export function refuseCanceled({ id, canceled }: PipelineState): void {
  if (!canceled) return;
  const why = canceled.reason === undefined ? "" : `: ${canceled.reason}`;
  throw new Refusal("already_settled", `${id} was canceled by ${actorName(canceled.by)}${why}.`, {
    hint: "`hq workflow pipeline --name … --stage …` makes another one.",
  });
}

/** What is done by hand is not done to a pipeline that runs by itself. */
export function runByCoordinator(id: string, what: string): Refusal {
  return new Refusal(
    "invalid_input",
    `${id} is run by the coordinator: its stages are ${what} by what agents hand in.`,
    {
      hint: "`hq workflow retry`, `skip`, `rerun` and `cancel` change it; --manual makes pipelines that are taken on by hand.",
    },
  );
}
