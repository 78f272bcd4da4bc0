import type { Place } from "../domain/run-types.ts";
import { createWorkVerbs, type WorkVerbsDeps } from "./create-work-verbs.ts";
import { createEvolve, type EvolveDeps } from "./evolve.ts";
import { createPipelines, type PipelinesDeps } from "./pipelines.ts";
import type { Log } from "./ports/log.ts";
import { slugIn } from "./stage-check.ts";
import type { WorkItemsDeps } from "./work-items.ts";
import { createWorkItems } from "./work-items.ts";

const ENGINE = { kind: "system", id: "engine" } as const;

/** Everything about work items: their verbs, pipelines and what is learned of both. */
export function createWork(
  deps: Omit<WorkVerbsDeps & EvolveDeps & PipelinesDeps, "items"> & Pick<WorkItemsDeps, "fileOf">,
) {
  const items = createWorkItems(deps);
  const all = { ...deps, items };
  return { work: createWorkVerbs(all), pipelines: createPipelines(all), evolve: createEvolve(all) };
}

/**
 * After a step that has hooks, as the stages of a pipeline do, they follow by themselves; undefined when nothing does.
 * Done twice they come to the same. What goes wrong here is done by the next `hq evolve run`.
 */
export function createAfterStage(deps: {
  readonly evolve: () => ReturnType<typeof createEvolve>;
  readonly engine: WorkItemsDeps["engine"];
  readonly log: Log;
}) {
  return async (id: string, of: Place): Promise<(() => Promise<void>) | undefined> => {
    const run = await deps.engine.read("run", id);
    const { steps = [], pipeline } = run?.order.definition ?? {};
    const hooks = steps.find(({ id: step }) => step === of.step)?.postHooks ?? pipeline?.postHooks ?? [];
    if (!run || hooks.length === 0 || of.item !== undefined) return undefined;
    const slug = slugIn(run, of.step);
    return async () => {
      try {
        await deps.evolve().run(ENGINE, { slug, dry: false, hooks });
      } catch (error) {
        deps.log.error(
          { run: id, slug, err: error },
          "what follows a stage went wrong; `hq evolve scan` still lists it",
        );
      }
    };
  };
}
