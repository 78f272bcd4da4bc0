import type { FastifyInstance, FastifyReply } from "fastify";
import { REFUSALS, Refusal } from "../../kernel/refusal.ts";
import { allowUploads, onlyJson } from "../body.ts";
import type { Core } from "../core.ts";
import { DiscordError, discordErrorBody } from "../errors.ts";
import { applicationRoutes } from "./application.ts";
import { commandRoutes } from "./commands.ts";
import { guildRoutes } from "./guild.ts";
import { interactionRoutes } from "./interactions.ts";
import { createMe } from "./me.ts";
import { messageRoutes } from "./messages.ts";
import { reactionRoutes } from "./reactions.ts";
import { threadRoutes } from "./threads.ts";
import { addTrouble } from "./trouble.ts";

const PREFIX = "/api/v10";
/** Routes whose address is their secret, so they need no token. */
const TOKENLESS = [/^POST \/interactions\//, /^[A-Z]+ \/webhooks\//];

/** Discord's REST v10, the part that a bot uses. */
export async function restApi(app: FastifyInstance, core: Core): Promise<void> {
  const me = createMe(core.world);
  onlyJson(app);
  await allowUploads(app);
  addTrouble(app, core);

  app.addHook("onRequest", async (request, reply) => {
    const route = `${request.method} ${(request.routeOptions.url ?? "").replace(PREFIX, "")}`;
    const isTokenless = TOKENLESS.some((pattern) => pattern.test(route));
    if (!isTokenless && !/^Bot \S+$/.test(request.headers.authorization ?? "")) throw new DiscordError(0);
    const { channel, token, guild } = request.params as Record<string, string | undefined>;
    const verdict = core.limits.count({
      route,
      major: channel ?? token ?? guild ?? "",
      bot: isTokenless ? "" : me(request),
      isGlobal: !isTokenless,
    });
    reply.headers(verdict.headers);
    if (verdict.retryAfterMs === undefined) return;
    return tooMany(verdict.retryAfterMs, verdict.isGlobal, reply);
  });

  app.setErrorHandler((error, _, reply) => {
    if (error instanceof DiscordError) {
      const { retryAfterMs } = error;
      if (retryAfterMs !== undefined) reply.header("retry-after", String(retryAfterMs / 1000));
      return reply.code(error.status).send(discordErrorBody(error));
    }
    if (error instanceof Refusal) {
      const code = error.code === "too_large" ? 40005 : 0;
      return reply.code(REFUSALS[error.code][0]).send({ code, message: error.message });
    }
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status < 500) {
      const code = status === 413 ? 40005 : 50109;
      return reply.code(status).send({ code, message: (error as Error).message });
    }
    return reply.code(500).send({ code: 0, message: "500: Internal Server Error" });
  });
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ code: 0, message: "404: Not Found" }));

  for (const routes of [
    applicationRoutes,
    guildRoutes,
    messageRoutes,
    reactionRoutes,
    threadRoutes,
    interactionRoutes,
    commandRoutes,
  ]) {
    routes(app, core);
  }
}

/** Discord's 429: `retry_after` in seconds. */
function tooMany(retryAfterMs: number, isGlobal: boolean, reply: FastifyReply): FastifyReply {
  const seconds = Math.ceil(retryAfterMs) / 1000;
  return reply
    .code(429)
    .headers({ "retry-after": String(seconds), "x-ratelimit-scope": isGlobal ? "global" : "user" })
    .send({ message: "You are being rate limited.", retry_after: seconds, global: isGlobal });
}
