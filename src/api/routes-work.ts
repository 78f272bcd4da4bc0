import type { WorkItem } from "../domain/work-view.ts";
import { actorOf, BASE } from "./auth.ts";
import { nameParams } from "./inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { graphOut } from "./run-outputs.ts";
import {
  blockBody,
  createWorkBody,
  failBody,
  handoffWorkBody,
  hooksParams,
  hooksQuery,
  notesBody,
  skillsQuery,
  slugParams,
  startWorkBody,
  workQuery,
} from "./work-inputs.ts";
import { hooksOut, skillOut, skillsOut, statsOut, workOut, worksOut } from "./work-outputs.ts";

const tags = ["work"];

/** Work items: read by everybody who may ask, changed by whom they concern. */
export function workRoutes(app: ApiApp, door: Door): void {
  readRoutes(app, door);
  changeRoutes(app, door);
  skillRoutes(app, door);
}

function readRoutes(app: ApiApp, { verbs: { work } }: Door): void {
  app.get(
    `${BASE}/work`,
    {
      schema: {
        tags,
        summary: "Work items, newest first: their own, and those of the steps of the latest 200 runs",
        querystring: workQuery,
        response: { 200: worksOut, ...REFUSED },
      },
    },
    async (request) => ({ items: await work.list(request.query) }),
  );

  app.get(
    `${BASE}/work/stats`,
    {
      schema: {
        tags,
        summary: "How many by status, project and skill",
        response: { 200: statsOut, ...REFUSED },
      },
    },
    async () => work.stats(),
  );

  app.get(
    `${BASE}/work/graph`,
    {
      schema: {
        tags,
        summary: "Who waits for whom as a mermaid flowchart",
        querystring: workQuery,
        response: { 200: graphOut, ...REFUSED },
      },
    },
    async (request, reply) => reply.type("text/plain; charset=utf-8").send(await work.graph(request.query)),
  );

  app.get(
    `${BASE}/work/hooks/:event`,
    {
      schema: {
        tags,
        summary: "What happened to work items, oldest first",
        params: hooksParams,
        querystring: hooksQuery,
        response: { 200: hooksOut, ...REFUSED },
      },
    },
    async (request) => ({ items: await work.hooks(request.params.event, request.query) }),
  );

  app.get(
    `${BASE}/work/items/:slug`,
    {
      schema: { tags, summary: "One work item", params: slugParams, response: { 200: workOut, ...REFUSED } },
    },
    async (request) => work.show(request.params.slug),
  );
}

function changeRoutes(app: ApiApp, { verbs: { work } }: Door): void {
  const answers = { 200: workOut, ...REFUSED };
  const path = (act: string) => `${BASE}/work/items/:slug/${act}`;
  const about = (summary: string) => ({ tags, summary, params: slugParams, response: answers });

  app.post(
    `${BASE}/work`,
    {
      schema: {
        tags,
        summary: "Make a work item",
        body: createWorkBody,
        response: { 201: workOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const made: WorkItem = await work.create(actorOf(request), request.body);
      return reply.code(201).send(made);
    },
  );

  app.post(
    path("start"),
    { schema: { ...about("Begin it, also once more when it failed"), body: startWorkBody } },
    async (request) => work.start(actorOf(request), request.params.slug, request.body?.skill),
  );
  app.post(path("review"), { schema: about("Put it up for review") }, async (request) =>
    work.review(actorOf(request), request.params.slug),
  );
  app.post(path("complete"), { schema: about("It is done") }, async (request) =>
    work.complete(actorOf(request), request.params.slug),
  );
  app.post(path("fail"), { schema: { ...about("It has failed"), body: failBody } }, async (request) =>
    work.fail(actorOf(request), request.params.slug, request.body?.reason),
  );
  app.post(
    path("handoff"),
    { schema: { ...about("Give it to another skill or agent"), body: handoffWorkBody } },
    async (request) => work.handoff(actorOf(request), request.params.slug, request.body.to),
  );
  app.post(
    path("block"),
    { schema: { ...about("It has to wait for another one"), body: blockBody } },
    async (request) => work.block(actorOf(request), request.params.slug, request.body.on),
  );
  app.post(
    path("notes"),
    { schema: { ...about("Note artifacts, metrics, tests, findings and follow-ups"), body: notesBody } },
    async (request) => work.note(actorOf(request), request.params.slug, request.body.notes),
  );
}

function skillRoutes(app: ApiApp, { verbs: { work } }: Door): void {
  app.get(
    `${BASE}/skills`,
    {
      schema: {
        tags,
        summary: "Skill contracts in the order of their files; with a query those that fit",
        querystring: skillsQuery,
        response: { 200: skillsOut, ...REFUSED },
      },
    },
    async (request) => ({ items: work.skills(present(request.query)) }),
  );

  app.get(
    `${BASE}/skills/:name`,
    {
      schema: {
        tags,
        summary: "One skill contract",
        params: nameParams,
        response: { 200: skillOut, ...REFUSED },
      },
    },
    async (request) => work.skill(request.params.name),
  );
}
