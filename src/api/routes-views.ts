import { BASE, requireOperator } from "./auth.ts";
import { idParams } from "./inputs.ts";
import { agentHistoryQuery, searchQuery } from "./page-inputs.ts";
import { agentHistoryOut, nowOut, searchOut, storyOut } from "./page-outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";

const USUAL_CHANGES = 50;

/** What people look at: how it stands, what became of it, and what there ever was. */
export function viewRoutes(app: ApiApp, { verbs }: Door): void {
  const { views } = verbs;

  app.get(
    `${BASE}/page/now`,
    {
      schema: {
        tags: ["page"],
        summary:
          "Everything that runs, waits or is late, with the position after which the news begin; operator only",
        response: { 200: nowOut, ...REFUSED },
      },
    },
    async (request) => {
      requireOperator(request);
      return views.now();
    },
  );

  app.get(
    `${BASE}/agents/:id/history`,
    {
      schema: {
        tags: ["agents"],
        summary: "How it was, hour by hour and change by change, and what it did last",
        params: idParams,
        querystring: agentHistoryQuery,
        response: { 200: agentHistoryOut, ...REFUSED },
      },
    },
    (request) => views.agentHistory(request.params.id, request.query.limit ?? USUAL_CHANGES),
  );

  app.get(
    `${BASE}/delegations/:id/story`,
    {
      schema: {
        tags: ["delegations"],
        summary: "All of it: prompts, attempts, handoffs, messages, what was delegated on its behalf",
        params: idParams,
        response: { 200: storyOut, ...REFUSED },
      },
    },
    (request) => views.story(request.params.id),
  );

  app.get(
    `${BASE}/search`,
    {
      schema: {
        tags: ["search"],
        summary: "Whatever there ever was, newest first; anything may be typed",
        querystring: searchQuery,
        response: { 200: searchOut, ...REFUSED },
      },
    },
    (request) => {
      const { q, kind, agent, status, before, limit } = request.query;
      return views.search({
        typed: q ?? "",
        ...present({ kinds: kind, agents: agent, statuses: status, before, limit }),
      });
    },
  );
}
