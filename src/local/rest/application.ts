import type { FastifyInstance } from "fastify";
import { readBody } from "../body.ts";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { createMe } from "./me.ts";

const MESSAGE_CONTENT_FLAG = 1 << 19;

/** Who the bot that asks is, and where its gateway is. */
export function applicationRoutes(
  app: FastifyInstance,
  { world, views, endpoint, sessionStarts, url }: Core,
): void {
  const { population } = world;
  const me = createMe(world);
  // As on Discord the application of a bot has its id.
  const application = (id: string) => {
    const { name } = population.members.get(id) ?? { name: "" };
    return {
      id,
      name,
      icon: null,
      description: "",
      bot_public: false,
      bot_require_code_grant: false,
      bot: views.userOf(id),
      owner: views.userOf(population.ownerId),
      team: null,
      verify_key: endpoint.publicKey(),
      flags: population.messageContent ? MESSAGE_CONTENT_FLAG : 0,
      tags: [],
      approximate_guild_count: 1,
      // The guild's other bots have none.
      interactions_endpoint_url: (id === population.botId ? endpoint.url() : undefined) ?? null,
    };
  };

  const gateway = () => `${url().replace(/^http/, "ws")}/gateway`;
  app.get("/gateway", async () => ({ url: gateway() }));
  app.get("/gateway/bot", async (request) => ({
    url: gateway(),
    shards: 1,
    session_start_limit: sessionStarts.limitOf(me(request)),
  }));
  app.get("/users/@me", async (request) => ({
    ...views.userOf(me(request)),
    email: null,
    verified: true,
    mfa_enabled: false,
    flags: 0,
  }));
  app.get("/users/@me/guilds", async (request) => [
    {
      id: population.id,
      name: population.name,
      icon: null,
      owner: false,
      features: [],
      permissions: world.permissions(me(request)).toString(),
    },
  ]);
  app.get<{ Params: { user: string } }>("/users/:user", async ({ params }) => {
    const member = population.members.get(params.user);
    if (!member) throw new DiscordError(10013);
    return views.user(member);
  });
  app.get("/applications/@me", async (request) => application(me(request)));
  app.patch("/applications/@me", async (request) => {
    const id = me(request);
    const { body } = await readBody(request);
    if (id === population.botId && "interactions_endpoint_url" in body) {
      await endpoint.set(body["interactions_endpoint_url"]);
    }
    return application(id);
  });
  app.get("/oauth2/applications/@me", async (request) => application(me(request)));
}
