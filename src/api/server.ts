import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import fastify from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { Settings } from "../domain/settings.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { BASE, isLiveness, rateKey, recogniseActors, requireActors } from "./auth.ts";
import { readOnlyJson } from "./body.ts";
import { keepToRuns } from "./bound.ts";
import { documentOf } from "./document.ts";
import { ownHosts, refuseForeign, refuseForeignCookie } from "./guards.ts";
import { readInput } from "./inputs.ts";
import { tokenIn } from "./page-cookie.ts";
import { pageFiles } from "./page-files.ts";
import type { PageLink } from "./page-outputs.ts";
import { createPageSessions } from "./page-sessions.ts";
import type { ApiApp, ApiParts, Door } from "./parts.ts";
import { answerWithProblems } from "./problem.ts";
import { agentRoutes } from "./routes-agents.ts";
import { batchRoutes } from "./routes-batches.ts";
import { delegationRoutes } from "./routes-delegations.ts";
import { discordRoutes } from "./routes-discord.ts";
import { eventRoutes } from "./routes-events.ts";
import { handoffRoutes } from "./routes-handoffs.ts";
import { metricsRoutes } from "./routes-metrics.ts";
import { pageRoutes } from "./routes-page.ts";
import { pipelineRoutes } from "./routes-pipelines.ts";
import { runRoutes } from "./routes-runs.ts";
import { seedRoutes } from "./routes-seed.ts";
import { stepRoutes } from "./routes-steps.ts";
import { systemRoutes } from "./routes-system.ts";
import { taskRoutes } from "./routes-tasks.ts";
import { templateRoutes } from "./routes-templates.ts";
import { traceRoutes } from "./routes-trace.ts";
import { upkeepRoutes } from "./routes-upkeep.ts";
import { viewRoutes } from "./routes-views.ts";
import { workRoutes } from "./routes-work.ts";
import { workflowRoutes } from "./routes-workflows.ts";
import { answerBadAddress, answerUnreadable } from "./unreadable.ts";

/** How long a stopping door lets answers finish before it closes their connections. */
const CLOSE_WITHIN_MS = 2000;
const READ_HEADERS_WITHIN_MS = 30_000;
/** Long enough for a large file over a slow line. */
const READ_REQUEST_WITHIN_MS = 10 * 60_000;

export type Api = {
  /** Opens the door; 0 = a free port. Returns its address, `http://127.0.0.1:18700`. Throws EADDRINUSE. */
  readonly listen: (port: number) => Promise<string>;
  /** Refuses new requests, lets long polls answer and event streams end, then closes. Twice is once. */
  readonly stop: () => Promise<void>;
  /** A link to the page that signs in once; only while it listens. */
  readonly pageLink: () => PageLink;
  /** How many are waiting for an answer: long polls and event streams. */
  readonly waiting: () => number;
  /** Instant of the latest request; now while somebody waits. */
  readonly lastAskedAt: () => number;
};

export function createApi(parts: ApiParts): Api {
  const closing = new AbortController();
  let waiting = 0;
  let askedAt = parts.now();
  const answering = createAnswering();
  let opened: ApiApp | undefined;
  let stopping: Promise<void> | undefined;
  const sessions = createPageSessions(parts.now);
  let address = "";
  /** Of the server's address, which is gone as soon as it closes, while some may still be told so. */
  let ownPort = 0;
  function pageLink(): PageLink {
    const { code, expiresAt } = sessions.makeCode();
    return { url: `${address}/#code=${code}`, code, expiresAt };
  }
  const door: Door = {
    ...parts,
    sessions,
    pageLink,
    port: () => ownPort,
    closing: closing.signal,
    enter() {
      waiting++;
      let isInside = true;
      return () => {
        if (!isInside) return;
        isInside = false;
        waiting--;
        askedAt = parts.now();
      };
    },
  };

  async function listen(port: number): Promise<string> {
    const app = await buildApp(door);
    app.addHook("onRequest", async () => {
      askedAt = parts.now();
    });
    opened = app;
    app.server.on("request", (_, response) => answering.add(response));
    app.server.once("listening", () => {
      ownPort = portOf(app);
    });
    const { host } = parts.settings();
    await app.listen({ port, host });
    address = `http://${reachable(host)}:${ownPort}`;
    return address;
  }

  async function close(): Promise<void> {
    closing.abort();
    sessions.endAll();
    if (!opened) return;
    const { server } = opened;
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
    try {
      const closed = opened.close();
      answering.whenNone(() => server.closeAllConnections());
      await closed;
    } finally {
      clearTimeout(deadline);
    }
  }

  return {
    listen,
    stop: () => {
      stopping ??= close();
      return stopping;
    },
    pageLink,
    waiting: () => waiting,
    lastAskedAt: () => (waiting > 0 ? parts.now() : askedAt),
  };
}

/** The answers under way; a connection that never asked anything must not hold a stopping server up. */
function createAnswering() {
  const open = new Set<object>();
  let tell: (() => void) | undefined;
  return {
    add(response: { once: (event: "close", then: () => void) => unknown }): void {
      open.add(response);
      response.once("close", () => {
        open.delete(response);
        if (open.size === 0) tell?.();
      });
    },
    whenNone(then: () => void): void {
      tell = then;
      if (open.size === 0) then();
    },
  };
}

/** The name by which programs on this machine reach what listens on `host`. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** By which others ask for it. What proxies say of that in other headers (`X-Forwarded-Host`) is not believed. */
function namesOf({ allowedHosts, publicUrl }: Settings["api"]): readonly string[] {
  return publicUrl === undefined ? allowedHosts : [...allowedHosts, new URL(publicUrl).host];
}

function portOf(app: ApiApp): number {
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function buildApp(door: Door): Promise<ApiApp> {
  const { settings, sessions } = door;
  const hosts = () => ownHosts(door.port(), namesOf(settings()));
  const app = fastify({
    bodyLimit: settings().bodyLimit,
    requestTimeout: READ_REQUEST_WITHIN_MS,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: answerBadAddress,
    clientErrorHandler: answerUnreadable,
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.headersTimeout = READ_HEADERS_WITHIN_MS;
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (input) => {
    try {
      return { value: readInput(schema, input) };
    } catch (error) {
      if (isRefusal(error)) return { error };
      throw error;
    }
  });
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  answerWithProblems(app, door);
  readOnlyJson(app);
  await app.register(helmet, { hsts: false });
  await app.register(swagger, documentOf(door.version));
  await app.register(rateLimit, {
    global: false,
    max: () => settings().ratePerMinute,
    timeWindow: 60_000,
    keyGenerator: rateKey,
    errorResponseBuilder: (_, { after }) =>
      new Refusal("rate_limited", `Too many requests; again in ${after}.`, {
        hint: "Wait as long as Retry-After says; GET /events tells what changes without asking again and again.",
      }),
  });

  // The order matters: who may speak at all, who it is, how often, and only then whether a key is needed.
  app.addHook("onRequest", async (request, reply) => {
    reply.header("cache-control", "no-store");
    refuseForeign(request, hosts());
    if (!door.closing.aborted) return;
    reply.header("connection", "close");
    throw new Refusal("stopping", "The supervisor is stopping.", {
      hint: "Ask again when it is back; what it accepted goes on then.",
    });
  });
  recogniseActors(app, door.actorFor, (request) => {
    const token = tokenIn(request, door.port());
    const session = token === undefined ? undefined : sessions.find(token);
    if (session) refuseForeignCookie(request, hosts());
    return session;
  });
  const limit = app.rateLimit();
  app.addHook("onRequest", async (request, reply) => {
    if (!isLiveness(request)) await limit.call(app, request, reply);
  });
  requireActors(app);
  keepToRuns(app, door.verbs);

  delegationRoutes(app, door);
  workflowRoutes(app, door);
  runRoutes(app, door);
  stepRoutes(app, door);
  taskRoutes(app, door);
  workRoutes(app, door);
  pipelineRoutes(app, door);
  templateRoutes(app);
  batchRoutes(app, door);
  handoffRoutes(app, door);
  agentRoutes(app, door);
  eventRoutes(app, door);
  metricsRoutes(app, door);
  traceRoutes(app, door);
  systemRoutes(app, door);
  upkeepRoutes(app, door);
  await seedRoutes(app, door);
  pageRoutes(app, door);
  viewRoutes(app, door);
  await discordRoutes(app, door);
  await pageFiles(app);
  app.get(`${BASE}/openapi.json`, { schema: { hide: true } }, async () => app.swagger());
  return app;
}
