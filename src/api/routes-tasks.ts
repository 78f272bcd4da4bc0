import type { TaskView } from "../engine/task-verbs.ts";
import { keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import { cancelBody, idParams, LONGEST_WAIT_MS } from "./inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { toldRoutes } from "./routes-told.ts";
import { clearQuery, exportQuery, taskBody, taskQuery, tasksQuery } from "./task-inputs.ts";
import { taskLines } from "./task-lines.ts";
import {
  clearedOut,
  exportOut,
  repeatedTaskOut,
  taskOut,
  tasksOut,
  triggeredOut,
  workerOut,
} from "./task-outputs.ts";

const tags = ["tasks"];

export function taskRoutes(app: ApiApp, door: Door): void {
  readRoutes(app, door);
  toldRoutes(app, door, { tags, path: "tasks", find: door.verbs.tasks.task });
  workerRoutes(app, door);
  changeRoutes(app, door);
  channelRoutes(app, door);
}

function readRoutes(app: ApiApp, door: Door): void {
  const { verbs } = door;

  app.get(
    `${BASE}/tasks`,
    {
      schema: {
        tags,
        summary: "Tasks of the queue, newest first",
        querystring: tasksQuery,
        response: { 200: tasksOut, ...REFUSED },
      },
    },
    async (request) => verbs.tasks.tasks(present(request.query)),
  );

  app.get(
    `${BASE}/tasks/export`,
    {
      schema: {
        tags,
        summary: "Every task, newest first, one a line",
        querystring: exportQuery,
        response: { 200: exportOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const { format = "jsonl" } = request.query;
      const type = format === "csv" ? "text/csv" : "application/x-ndjson";
      return reply
        .type(`${type}; charset=utf-8`)
        .send(
          ReadableStream.from(taskLines(verbs.queue.export(), format)).pipeThrough(new TextEncoderStream()),
        );
    },
  );

  app.get(
    `${BASE}/tasks/:id`,
    {
      schema: {
        tags,
        summary: "One task, at once or when it is over",
        params: idParams,
        querystring: taskQuery,
        response: { 200: taskOut, ...REFUSED },
      },
    },
    async (request) => {
      const { wait } = request.query;
      if (wait === undefined) return verbs.tasks.task(request.params.id);
      const leave = door.enter();
      try {
        const signal = AbortSignal.any([door.closing, request.signal]);
        return await verbs.queue.wait(request.params.id, {
          timeoutMs: Math.min(wait, LONGEST_WAIT_MS),
          signal,
        });
      } finally {
        leave();
      }
    },
  );
}

function workerRoutes(app: ApiApp, { verbs }: Door): void {
  app.get(
    `${BASE}/workers/:id`,
    {
      schema: {
        tags,
        summary: "The worker that did a try of a task: its folder, files, tokens, result",
        params: idParams,
        response: { 200: workerOut, ...REFUSED },
      },
    },
    async (request) => verbs.queue.worker(request.params.id),
  );
}

function changeRoutes(app: ApiApp, { verbs }: Door): void {
  app.post(
    `${BASE}/tasks`,
    {
      schema: {
        tags,
        summary: "Post a task to the channel of the queue",
        headers: keyHeader,
        body: taskBody,
        response: { 201: taskOut, 200: repeatedTaskOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const key = keyOf(request.headers["idempotency-key"]);
      const { timeout, ...said } = request.body;
      const { task, repeated } = await verbs.queue.submit(actorOf(request), {
        ...present({ ...said, timeoutMs: timeout }),
        ...(key === undefined ? {} : { key: { scope: "rest", key } }),
      });
      reply.header("location", `${BASE}/tasks/${task.id}`);
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(repeated ? 200 : 201).send(task);
    },
  );

  app.post(
    `${BASE}/tasks/:id/run-again`,
    {
      schema: {
        tags,
        summary: "Do a task once more that is done, failed or withdrawn",
        params: idParams,
        response: { 200: taskOut, ...REFUSED },
      },
    },
    async (request): Promise<TaskView> => verbs.tasks.runAgain(actorOf(request), request.params.id),
  );

  app.post(
    `${BASE}/tasks/:id/withdraw`,
    {
      schema: {
        tags,
        summary: "Take it out of the queue; what works on it is canceled",
        params: idParams,
        body: cancelBody,
        response: { 200: taskOut, ...REFUSED },
      },
    },
    async (request) => verbs.tasks.withdraw(actorOf(request), request.params.id, request.body?.reason),
  );
}

function channelRoutes(app: ApiApp, door: Door): void {
  const { verbs } = door;

  app.post(
    `${BASE}/tasks/trigger`,
    {
      schema: {
        tags,
        summary: "One pass: read the channel back now; twice at once is once",
        response: { 200: triggeredOut, ...REFUSED },
      },
    },
    async () => {
      const leave = door.enter();
      try {
        return await verbs.queue.trigger();
      } finally {
        leave();
      }
    },
  );

  app.delete(
    `${BASE}/tasks`,
    {
      schema: {
        tags,
        summary:
          "Remove messages, a page of at most 100: of tasks by status, or all of a channel; operator only",
        querystring: clearQuery,
        response: { 200: clearedOut, ...REFUSED },
      },
    },
    async (request) => {
      verbs.acl.permit(actorOf(request), "clear");
      const { status, channel, before } = request.query;
      const which = channel === undefined ? { statuses: status ?? [] } : { channel };
      const leave = door.enter();
      try {
        return await verbs.queue.clear(actorOf(request), { ...which, ...present({ before }) });
      } finally {
        leave();
      }
    },
  );
}
