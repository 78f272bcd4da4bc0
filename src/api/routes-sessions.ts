import { claimed, keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf } from "./auth.ts";
import { idParams } from "./inputs.ts";
import { closeBody, sendBody, sessionsQuery, spawnBody, USUAL_CALL_MS } from "./orchestrator-inputs.ts";
import { sentOut, sessionOut, sessionsOut, spawnedOut } from "./orchestrator-outputs.ts";
import type { ApiApp, Door } from "./parts.ts";
import { present } from "./present.ts";
import { SEED_REFUSED } from "./seed-errors.ts";

/** Conversations with an instance, below `base`. */
export function sessionRoutes(app: ApiApp, door: Door, base: string, hide: boolean): void {
  const { verbs } = door;
  const { sessions } = verbs.orchestrator;
  const tags = ["orchestrator"];

  app.post(
    `${base}/sessions/spawn`,
    {
      schema: {
        hide,
        tags,
        summary: "Begin a session; the answer has its token, which every turn needs",
        headers: keyHeader,
        body: spawnBody,
        response: { 201: spawnedOut, 200: spawnedOut, ...SEED_REFUSED },
      },
    },
    async (request, reply) => {
      const { sessionId, instance, caller } = request.body;
      const key = keyOf(request.headers["idempotency-key"]);
      const actor = await claimed(actorOf(request), caller, verbs);
      const { repeated, ...spawned } = await sessions.spawn(actor, {
        sessionId,
        ...present({ instance, key: key === undefined ? undefined : { scope: "rest", key } }),
      });
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(repeated ? 200 : 201).send(spawned);
    },
  );

  app.post(
    `${base}/sessions/send`,
    {
      schema: {
        hide,
        tags,
        summary: "One turn: its reply depends on the turns before; turns come strictly one after the other",
        headers: keyHeader,
        body: sendBody,
        response: { 200: sentOut, ...SEED_REFUSED },
      },
    },
    async (request) => {
      const { sessionId, token, data, timeout, retries, caller } = request.body;
      const key = keyOf(request.headers["idempotency-key"]);
      const actor = await claimed(actorOf(request), caller, verbs);
      const leave = door.enter();
      try {
        const signal = AbortSignal.any([door.closing, request.signal]);
        const timeoutMs = timeout ?? USUAL_CALL_MS;
        const asked = { sessionId, data, timeoutMs, ...present({ token, retries, key }) };
        return await sessions.send(actor, { ...asked, origin: { door: "rest" } }, signal);
      } finally {
        leave();
      }
    },
  );

  app.get(
    `${base}/sessions`,
    {
      schema: {
        hide,
        tags,
        summary: "Sessions, newest first; no tokens",
        querystring: sessionsQuery,
        response: { 200: sessionsOut, ...SEED_REFUSED },
      },
    },
    async (request) => ({ items: await sessions.list(present(request.query)) }),
  );

  app.get(
    `${base}/sessions/:id`,
    {
      schema: {
        hide,
        tags,
        summary: "One session with its turns; the answers stand in their delegations",
        params: idParams,
        response: { 200: sessionOut, ...SEED_REFUSED },
      },
    },
    async (request) => sessions.show(request.params.id),
  );

  app.post(
    `${base}/sessions/:id/close`,
    {
      schema: {
        hide,
        tags,
        summary: "No more turns; what runs goes on",
        params: idParams,
        body: closeBody,
        response: { 200: sessionOut, ...SEED_REFUSED },
      },
    },
    async (request) => sessions.close(actorOf(request), request.params.id, request.body?.token),
  );
}
