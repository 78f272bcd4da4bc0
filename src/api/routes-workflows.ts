import { graphOfDefinition } from "../domain/run-graph-text.ts";
import type { RunVerbs, WorkflowEntry } from "../engine/run-verbs.ts";
import { claimed } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import { nameParams } from "./inputs.ts";
import { listingOfWorkflow } from "./listings.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { planBody } from "./run-inputs.ts";
import { graphOut, planOut, workflowOut, workflowsOut } from "./run-outputs.ts";

/** The workflow with its problems; an unknown name is refused by the verb, which knows the nearest one. */
function entryOf(runs: RunVerbs, name: string): WorkflowEntry {
  const entry = runs.workflows().find((one) => one.name === name);
  return entry ?? { name, definition: runs.workflow(name), problems: [] };
}

export function workflowRoutes(app: ApiApp, { verbs }: Door): void {
  const tags = ["workflows"];

  app.get(
    `${BASE}/workflows`,
    { schema: { tags, summary: "All workflows", response: { 200: workflowsOut, ...REFUSED } } },
    async () => ({ items: verbs.runs.workflows().map(listingOfWorkflow) }),
  );

  app.get(
    `${BASE}/workflows/:name`,
    {
      schema: {
        tags,
        summary: "One workflow as it is after every check",
        params: nameParams,
        response: { 200: workflowOut, ...REFUSED },
      },
    },
    async (request) => entryOf(verbs.runs, request.params.name),
  );

  app.get(
    `${BASE}/workflows/:name/graph`,
    {
      schema: {
        tags,
        summary: "Its steps as a mermaid flowchart",
        params: nameParams,
        response: { 200: graphOut, ...REFUSED },
      },
    },
    async (request, reply) =>
      reply
        .type("text/plain; charset=utf-8")
        .send(graphOfDefinition(verbs.runs.workflow(request.params.name))),
  );

  app.post(
    `${BASE}/workflows/:name/plan`,
    {
      schema: {
        tags,
        summary: "What a run would do: waves, agents with reasons, gates, time; changes nothing",
        params: nameParams,
        body: planBody,
        response: { 200: planOut, ...REFUSED },
      },
    },
    async (request) => {
      const { inputs = {}, caller } = request.body ?? {};
      const actor = await claimed(actorOf(request), caller, verbs);
      return verbs.runs.planRun(actor, { workflow: request.params.name, inputs });
    },
  );
}
