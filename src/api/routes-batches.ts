import { keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import {
  acceptBatchBody,
  batchesQuery,
  batchTaskParams,
  cleanupBody,
  createBatchBody,
  importBatchesBody,
  resumeBatchBody,
  updateBatchBody,
} from "./batch-inputs.ts";
import { batchesOut, batchOut, cleanupOut, importOut, resultsOut } from "./batch-outputs.ts";
import { idParams } from "./inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";

const DAY_MS = 86_400_000;
const USUAL_DAYS = 7;

/** Batches that agents track by hand, in the shapes that their scripts know. */
export function batchRoutes(app: ApiApp, { verbs }: Door): void {
  const tags = ["batches"];
  const { batches } = verbs;

  app.post(
    `${BASE}/batches`,
    {
      schema: {
        tags,
        summary: "Register a batch; whoever registers it sees and changes it",
        headers: keyHeader,
        body: createBatchBody,
        response: { 201: batchOut, 200: batchOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const { type, subtasks: tasks, metadata = {} } = request.body;
      const key = keyOf(request.headers["idempotency-key"]);
      const { batch, repeated } = await batches.create(actorOf(request), {
        type,
        tasks,
        metadata,
        ...(key === undefined ? {} : { key: { scope: "rest", key } }),
      });
      if (repeated) reply.header(REPEATED, "true");
      else reply.header("location", `${BASE}/batches/${encodeURIComponent(batch.workflow_id)}`);
      return reply.code(repeated ? 200 : 201).send(batch);
    },
  );

  app.get(
    `${BASE}/batches`,
    {
      schema: {
        tags,
        summary: "Your batches, those that changed last first",
        querystring: batchesQuery,
        response: { 200: batchesOut, ...REFUSED },
      },
    },
    async (request) => ({ workflows: await batches.list(actorOf(request), present(request.query)) }),
  );

  app.get(
    `${BASE}/batches/:id`,
    {
      schema: { tags, summary: "How one stands", params: idParams, response: { 200: batchOut, ...REFUSED } },
    },
    async (request) => batches.status(actorOf(request), request.params.id),
  );

  app.get(
    `${BASE}/batches/:id/results`,
    {
      schema: {
        tags,
        summary: "What it brought, and what failed or is missing",
        params: idParams,
        response: { 200: resultsOut, ...REFUSED },
      },
    },
    async (request) => batches.aggregate(actorOf(request), request.params.id),
  );

  app.post(
    `${BASE}/batches/:id/tasks/:task`,
    {
      schema: {
        tags,
        summary: "How a task stands now; saying the same again changes nothing",
        params: batchTaskParams,
        body: updateBatchBody,
        response: { 200: batchOut, ...REFUSED },
      },
    },
    async (request) => {
      const { id, task } = request.params;
      const { status, result, session_key: sessionKey } = request.body;
      return batches.update(actorOf(request), id, { task, status, ...present({ result, sessionKey }) });
    },
  );

  app.post(
    `${BASE}/batches/:id/resume`,
    {
      schema: {
        tags,
        summary: "Go on after too many failures",
        params: idParams,
        body: resumeBatchBody,
        response: { 200: batchOut, ...REFUSED },
      },
    },
    async (request) => {
      const { choice, subtasks: added = [], reason } = request.body;
      return batches.resume(actorOf(request), request.params.id, { choice, added, ...present({ reason }) });
    },
  );

  app.post(
    `${BASE}/batches/:id/accept`,
    {
      schema: {
        tags,
        summary: "Take what there is as all there will be",
        params: idParams,
        body: acceptBatchBody,
        response: { 200: batchOut, ...REFUSED },
      },
    },
    async (request) => batches.accept(actorOf(request), request.params.id, request.body?.reason),
  );

  app.post(
    `${BASE}/batches/cleanup`,
    {
      schema: {
        tags,
        summary: "Take out those that are over and old",
        body: cleanupBody,
        response: { 200: cleanupOut, ...REFUSED },
      },
    },
    async (request) => {
      const { days = USUAL_DAYS, dry_run: dryRun = false } = request.body;
      const cleaned = await batches.cleanup(actorOf(request), { olderThanMs: days * DAY_MS, dryRun });
      return { ...cleaned, dry_run: dryRun };
    },
  );

  app.post(
    `${BASE}/batches/import`,
    {
      schema: {
        tags,
        summary: "Take over the old workflows.json; each id once",
        body: importBatchesBody,
        response: { 200: importOut, ...REFUSED },
      },
    },
    async (request) => {
      const { imported, alreadyThere, corrected } = await batches.import(actorOf(request), request.body);
      return { imported, already_there: alreadyThere, corrected };
    },
  );
}
