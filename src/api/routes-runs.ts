import { graphOfRun } from "../domain/run-graph-text.ts";
import { claimed, keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import { cancelBody, idParams, LONGEST_WAIT_MS } from "./inputs.ts";
import { createLayouts } from "./layout.ts";
import { listingOfRun } from "./listings.ts";
import { graphQuery } from "./page-inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { toldRoutes } from "./routes-told.ts";
import { drawingOf } from "./run-drawing.ts";
import { rerunBody, retryBody, runBody, runQuery, runsQuery } from "./run-inputs.ts";
import { repeatedRunOut, runGraphOut, runOut, runsOut } from "./run-outputs.ts";

const tags = ["runs"];

export function runRoutes(app: ApiApp, door: Door): void {
  readRoutes(app, door);
  toldRoutes(app, door, { tags, path: "runs", find: door.verbs.runs.run });
  changeRoutes(app, door);
}

function readRoutes(app: ApiApp, door: Door): void {
  const { verbs } = door;
  const layouts = createLayouts();

  app.get(
    `${BASE}/runs`,
    {
      schema: {
        tags,
        summary: "Runs, newest first, without what their steps brought",
        querystring: runsQuery,
        response: { 200: runsOut, ...REFUSED },
      },
    },
    async (request) => {
      const page = await verbs.runs.runs(present(request.query));
      return { ...page, items: page.items.map(listingOfRun) };
    },
  );

  app.get(
    `${BASE}/runs/:id`,
    {
      schema: {
        tags,
        summary: "One run, at once, when it is settled, or when it waits for people alone",
        params: idParams,
        querystring: runQuery,
        response: { 200: runOut, ...REFUSED },
      },
    },
    async (request) => {
      const { wait, untilGate = false } = request.query;
      if (wait === undefined) return verbs.runs.run(request.params.id);
      const leave = door.enter();
      try {
        const signal = AbortSignal.any([door.closing, request.signal]);
        const timeoutMs = Math.min(wait, LONGEST_WAIT_MS);
        return await verbs.runs.waitRun(request.params.id, { timeoutMs, untilGate, signal });
      } finally {
        leave();
      }
    },
  );

  app.get(
    `${BASE}/runs/:id/graph`,
    {
      schema: {
        tags,
        summary: "Its steps and how they stand as a mermaid flowchart, or drawn, with who waited for what",
        params: idParams,
        querystring: graphQuery,
        response: { 200: runGraphOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (request.query.format !== "json")
        return reply.type("text/plain; charset=utf-8").send(graphOfRun(await verbs.runs.run(id)));
      const timeline = await verbs.views.timeline(id);
      return reply.send(drawingOf(timeline, await layouts(id, timeline.steps)));
    },
  );
}

function changeRoutes(app: ApiApp, { verbs }: Door): void {
  app.post(
    `${BASE}/runs`,
    {
      schema: {
        tags,
        summary: "Start a run of a workflow",
        headers: keyHeader,
        body: runBody,
        response: { 201: runOut, 200: repeatedRunOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const key = keyOf(request.headers["idempotency-key"]);
      const { caller, inputs = {}, ...same } = request.body;
      const actor = await claimed(actorOf(request), caller, verbs);
      const { run, repeated } = await verbs.runs.startRun(actor, {
        ...present(same),
        inputs,
        ...(key === undefined ? {} : { key: { scope: "rest", key } }),
        origin: { door: "rest" },
      });
      reply.header("location", `${BASE}/runs/${run.id}`);
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(repeated ? 200 : 201).send(run);
    },
  );

  app.post(
    `${BASE}/runs/:id/cancel`,
    {
      schema: {
        tags,
        summary: "Begin nothing more and cancel what runs; cleanup steps still do",
        params: idParams,
        body: cancelBody,
        response: { 200: runOut, ...REFUSED },
      },
    },
    async (request) => verbs.runs.cancelRun(actorOf(request), request.params.id, request.body?.reason),
  );

  app.post(
    `${BASE}/runs/:id/retry`,
    {
      schema: {
        tags,
        summary: "All that failed once more, and what was skipped because of it",
        params: idParams,
        body: retryBody,
        response: { 200: runOut, ...REFUSED },
      },
    },
    async (request) => verbs.runs.retryRun(actorOf(request), request.params.id, present(request.body ?? {})),
  );

  app.post(
    `${BASE}/runs/:id/rerun`,
    {
      schema: {
        tags,
        summary: "A step and all that depends on it once more, whatever came of them",
        params: idParams,
        body: rerunBody,
        response: { 200: runOut, ...REFUSED },
      },
    },
    async (request) => {
      const { from, ...seen } = request.body;
      return verbs.runs.rerun(actorOf(request), request.params.id, from, present(seen));
    },
  );

  app.post(
    `${BASE}/runs/:id/accept-partial`,
    {
      schema: {
        tags,
        summary: "Take what there is as the result: what has not begun is skipped",
        params: idParams,
        response: { 200: runOut, ...REFUSED },
      },
    },
    async (request) => verbs.runs.acceptPartial(actorOf(request), request.params.id),
  );
}
