import { claimed, keyHeader, keyOf } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import { idParams } from "./inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import {
  acceptBody,
  advanceBody,
  evolveBody,
  evolveLogQuery,
  failBody,
  overrideBody,
  pipelineBody,
  pipelinesQuery,
  slugParams,
  stageParams,
} from "./work-inputs.ts";
import {
  advancedOut,
  evolvedOut,
  evolveLogOut,
  evolveScanOut,
  evolveStatusOut,
  hookTasksOut,
  pipelineOut,
  pipelinesOut,
  proposalsOut,
} from "./work-outputs.ts";

const DEFAULT_LOG = 10;

/** Pipelines made of capabilities, and what is learned of finished work. */
export function pipelineRoutes(app: ApiApp, door: Door): void {
  const { verbs } = door;
  const { pipelines } = verbs;
  const tags = ["pipelines"];
  const answers = { 200: pipelineOut, ...REFUSED };

  app.post(
    `${BASE}/pipelines`,
    {
      schema: {
        tags,
        summary: "Make a pipeline of capabilities: a run, or one that is taken on by hand",
        headers: keyHeader,
        body: pipelineBody,
        response: { 201: pipelineOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const { caller, ...wanted } = request.body;
      const key = keyOf(request.headers["idempotency-key"]);
      const actor = await claimed(actorOf(request), caller, verbs);
      const made = await pipelines.create(actor, {
        ...wanted,
        ...(key === undefined ? {} : { key: { scope: "rest", key } }),
      });
      return reply.code(201).send(made);
    },
  );

  app.get(
    `${BASE}/pipelines`,
    {
      schema: {
        tags,
        summary: "Pipelines, newest first",
        querystring: pipelinesQuery,
        response: { 200: pipelinesOut, ...REFUSED },
      },
    },
    async (request) => ({ items: await pipelines.list(request.query) }),
  );

  app.get(
    `${BASE}/pipelines/:id`,
    { schema: { tags, summary: "One pipeline with its stages", params: idParams, response: answers } },
    async (request) => pipelines.show(request.params.id),
  );

  app.post(
    `${BASE}/pipelines/:id/advance`,
    {
      schema: {
        tags,
        summary: "Begin the stage that comes next, or say what holds it: blocked, running, failed or done",
        params: idParams,
        body: advanceBody,
        response: { 200: advancedOut, ...REFUSED },
      },
    },
    async (request) =>
      pipelines.advance(actorOf(request), request.params.id, { resume: request.body?.resume === true }),
  );

  app.post(
    `${BASE}/pipelines/:id/cancel`,
    {
      schema: {
        tags,
        summary: "Nothing of it begins any more; what is under way has failed",
        params: idParams,
        body: failBody,
        response: answers,
      },
    },
    async (request) => pipelines.cancel(actorOf(request), request.params.id, request.body?.reason),
  );

  const stage = `${BASE}/pipelines/:id/stages/:stage`;
  const about = (summary: string) => ({ tags, summary, params: stageParams, response: answers });
  app.post(`${stage}/complete`, { schema: about("A stage that is done by hand is done") }, async (request) =>
    pipelines.complete(actorOf(request), request.params.id, request.params.stage),
  );
  app.post(
    `${stage}/fail`,
    { schema: { ...about("A stage that is done by hand has failed"), body: failBody } },
    async (request) =>
      pipelines.fail(actorOf(request), request.params.id, request.params.stage, request.body?.reason),
  );
  app.post(
    `${stage}/override`,
    {
      schema: {
        ...about("Let a stage pass of which the check says fail; never for agents"),
        body: overrideBody,
      },
    },
    async (request) =>
      pipelines.override(actorOf(request), request.params.id, request.params.stage, request.body.reason),
  );
  app.get(
    `${stage}/post-hooks`,
    { schema: { ...about("What is to be done after a stage"), response: { 200: hookTasksOut, ...REFUSED } } },
    async (request) => ({ items: await pipelines.hookTasks(request.params.id, request.params.stage) }),
  );
  app.post(`${stage}/post-hooks`, { schema: about("That was done") }, async (request) =>
    pipelines.hooksRun(actorOf(request), request.params.id, request.params.stage),
  );

  evolveRoutes(app, door);
}

function evolveRoutes(app: ApiApp, { verbs: { evolve } }: Door): void {
  const tags = ["evolution"];

  app.post(
    `${BASE}/evolve`,
    {
      schema: {
        tags,
        summary: "Check finished work, propose what it taught, and look after the skills",
        body: evolveBody,
        response: { 200: evolvedOut, ...REFUSED },
      },
    },
    async (request) => {
      const { slug, dryRun = false } = request.body ?? {};
      return { items: await evolve.run(actorOf(request), { slug, dry: dryRun }) };
    },
  );

  const deciding = { tags, params: slugParams, response: { 200: proposalsOut, ...REFUSED } };
  app.post(
    `${BASE}/evolve/items/:slug/accept`,
    {
      schema: {
        ...deciding,
        summary:
          "Write what is proposed where it may be written, else send it to its agent; never for agents",
        body: acceptBody,
      },
    },
    async (request) =>
      evolve.decide(actorOf(request), request.params.slug, "accepted", {
        dry: request.body?.dryRun === true,
      }),
  );
  app.post(
    `${BASE}/evolve/items/:slug/dismiss`,
    { schema: { ...deciding, summary: "Leave what is proposed; never for agents" } },
    async (request) => evolve.decide(actorOf(request), request.params.slug, "dismissed"),
  );

  app.get(
    `${BASE}/evolve/scan`,
    {
      schema: {
        tags,
        summary: "Items that have ended and were not looked at since",
        response: { 200: evolveScanOut, ...REFUSED },
      },
    },
    async () => ({ items: await evolve.scan() }),
  );

  app.get(
    `${BASE}/evolve/log`,
    {
      schema: {
        tags,
        summary: "What was looked at, newest first",
        querystring: evolveLogQuery,
        response: { 200: evolveLogOut, ...REFUSED },
      },
    },
    async (request) => ({ items: await evolve.log(request.query.limit ?? DEFAULT_LOG) }),
  );

  app.get(
    `${BASE}/evolve/status`,
    {
      schema: {
        tags,
        summary: "How many wait, and how each skill does",
        response: { 200: evolveStatusOut, ...REFUSED },
      },
    },
    async () => evolve.status(),
  );
}
