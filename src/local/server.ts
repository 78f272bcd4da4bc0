import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance } from "fastify";
import { REFUSALS, Refusal } from "../kernel/refusal.ts";
import { REQUEST_BYTES } from "./attachments.ts";
import type { Core } from "./core.ts";
import { DiscordError } from "./errors.ts";
import type { Guards } from "./guards.ts";
import { problemOf } from "./person/problems.ts";
import { personRoutes } from "./person/routes.ts";
import { restApi } from "./rest/api.ts";

const JSON_BYTES = 1024 * 1024;

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export type GuildLog = { readonly error: (fields: object, message: string) => void };

/** The HTTP side: guards first, then Discord's REST, the person's routes, and the page. */
export async function createServer({
  core,
  guards,
  isBotOnline,
  allowFaults,
  log,
}: {
  core: Core;
  guards: Guards;
  isBotOnline: () => boolean;
  allowFaults: boolean;
  log: GuildLog | undefined;
}): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: JSON_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
  });

  app.addHook("onRequest", async (request, reply) => {
    reply.headers({
      date: new Date(core.world.now()).toUTCString(),
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "content-security-policy": PAGE_POLICY,
    });
    guards.checkRequest(request.method, request.headers);
    if (Number(request.headers["content-length"] ?? 0) > REQUEST_BYTES) {
      throw new Refusal("too_large", "A request may have 25 MiB.");
    }
  });
  app.addHook("onError", async (request, _, error) => {
    const isExpected =
      error instanceof DiscordError || error instanceof Refusal || (error.statusCode ?? 500) < 500;
    if (!isExpected) {
      log?.error(
        { err: error, method: request.method, route: request.routeOptions.url },
        "the local guild failed",
      );
    }
  });
  app.setErrorHandler((error, _, reply) => {
    if (!(error instanceof Refusal)) throw error;
    return reply.code(REFUSALS[error.code][0]).type("application/problem+json").send(problemOf(error));
  });

  await app.register((api) => restApi(api, core), { prefix: "/api/v10" });
  await app.register((person) => personRoutes(person, { core, guards, isBotOnline, allowFaults }));
  await app.register(fastifyStatic, {
    root: join(import.meta.dirname, "page"),
    index: "index.html",
    cacheControl: false,
    setHeaders: (reply) => void reply.header("cache-control", "no-cache"),
  });
  return app;
}
