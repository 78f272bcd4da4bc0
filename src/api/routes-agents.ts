import { Refusal } from "../kernel/refusal.ts";
import { actorOf, BASE, requireOperator } from "./auth.ts";
import { aclQuery, agentQuery, contextQuery, drainBody, idParams, nameParams } from "./inputs.ts";
import { aclOut, aclTableOut, agentKeyOut, agentOut, agentsOut, contextOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

const CONTEXT_MESSAGES = 20;

export function agentRoutes(app: ApiApp, { verbs, agentToken }: Door): void {
  const tags = ["agents"];

  app.get(
    `${BASE}/agents`,
    { schema: { tags, summary: "All agents of the registry", response: { 200: agentsOut, ...REFUSED } } },
    async () => ({ items: await verbs.agents() }),
  );

  app.get(
    `${BASE}/agents/:id`,
    {
      schema: {
        tags,
        summary: "One agent by id, alias or letter; probe=true asks its gateway now",
        params: idParams,
        querystring: agentQuery,
        response: { 200: agentOut, ...REFUSED },
      },
    },
    async (request) => verbs.agent(request.params.id, { probe: request.query.probe ?? false }),
  );

  app.post(
    `${BASE}/agents/:id/key`,
    {
      schema: {
        tags,
        summary: "The token by which an agent proves who it is (HQ_AGENT_TOKEN); operator only",
        params: idParams,
        response: { 200: agentKeyOut, ...REFUSED },
      },
    },
    async (request) => {
      requireOperator(request);
      const { card } = await verbs.agent(request.params.id);
      if (!agentToken) throw new Refusal("not_found", "This supervisor gives no tokens to agents.");
      return { agent: card.id, token: agentToken(card.id) };
    },
  );

  app.post(
    `${BASE}/agents/:id/drain`,
    {
      schema: {
        tags,
        summary: "Sends an agent nothing new until it is resumed; what it has goes on",
        params: idParams,
        body: drainBody,
        response: { 200: agentOut, ...REFUSED },
      },
    },
    async (request) => verbs.drainAgent(actorOf(request), request.params.id, request.body?.reason),
  );

  app.post(
    `${BASE}/agents/:id/resume`,
    {
      schema: {
        tags,
        summary: "Gives an agent new work again; what waited for it goes on",
        params: idParams,
        response: { 200: agentOut, ...REFUSED },
      },
    },
    async (request) => verbs.resumeAgent(actorOf(request), request.params.id),
  );

  app.get(
    `${BASE}/acl/explain`,
    {
      schema: {
        tags,
        summary: "Whether somebody may delegate to an agent, or do something, and by which rule",
        querystring: aclQuery,
        response: { 200: aclOut, ...REFUSED },
      },
    },
    async (request) => {
      const { caller, target, verb = "" } = request.query;
      return target === undefined ? verbs.acl.explainVerb(caller, verb) : verbs.acl.explain(caller, target);
    },
  );

  app.get(
    `${BASE}/acl/table`,
    {
      schema: {
        tags,
        summary: "Whether each agent may delegate to each other one, row by row",
        response: { 200: aclTableOut, ...REFUSED },
      },
    },
    async () => ({ items: verbs.acl.table() }),
  );

  app.get(
    `${BASE}/channels/:name/context`,
    {
      schema: {
        tags: ["channels"],
        summary: "A channel's recent messages as one text, newest last",
        params: nameParams,
        querystring: contextQuery,
        response: { 200: contextOut, ...REFUSED },
      },
    },
    async (request) => {
      verbs.acl.permit(actorOf(request), "context");
      return verbs.channelContext(request.params.name, request.query.messages ?? CONTEXT_MESSAGES);
    },
  );
}
