import type { GateDecision } from "../engine/run-verbs.ts";
import { actorOf, BASE } from "./auth.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { decisionBody, retryStepBody, stepParams } from "./run-inputs.ts";
import { runOut } from "./run-outputs.ts";

const SUMMARIES: Readonly<Record<GateDecision["decision"], string>> = {
  approve: "Let a gate pass; never for agents",
  reject: "Say no at a gate: its step fails; never for agents",
};

/** What people do to one step of a run. Who may is the verb's answer. */
export function stepRoutes(app: ApiApp, { verbs }: Door): void {
  const tags = ["runs"];
  const answers = { 200: runOut, ...REFUSED };

  for (const decision of ["approve", "reject"] as const) {
    app.post(
      `${BASE}/runs/:id/steps/:step/${decision}`,
      {
        schema: {
          tags,
          summary: SUMMARIES[decision],
          params: stepParams,
          body: decisionBody,
          response: answers,
        },
      },
      async (request) => {
        const { id, step } = request.params;
        const said = present(request.body ?? {});
        return verbs.runs.decideGate(actorOf(request), { run: id, step, decision, ...said });
      },
    );
  }

  app.post(
    `${BASE}/runs/:id/steps/:step/skip`,
    {
      schema: {
        tags,
        summary: "Go on without a step; the run is partial at best",
        params: stepParams,
        response: answers,
      },
    },
    async (request) => verbs.runs.skipStep(actorOf(request), request.params.id, request.params.step),
  );

  app.post(
    `${BASE}/runs/:id/steps/:step/retry`,
    {
      schema: {
        tags,
        summary: "A failed step once more, and what was skipped because of it",
        params: stepParams,
        body: retryStepBody,
        response: answers,
      },
    },
    async (request) => {
      const { id, step } = request.params;
      const { task, ...seen } = request.body ?? {};
      const tasks = task === undefined ? {} : { tasks: { [step]: task } };
      return verbs.runs.retryRun(actorOf(request), id, { step, ...tasks, ...present(seen) });
    },
  );
}
