import type { FastifyInstance } from "fastify";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";

const MESSAGE_CONTENT_FLAG = 1 << 19;

/** Who the bot is, and where its gateway is. */
export function applicationRoutes(app: FastifyInstance, { world, views, url }: Core): void {
  const { population } = world;
  const bot = () => views.userOf(population.botId);
  const application = () => {
    const { name } = population.members.get(population.botId) ?? { name: "" };
    return {
      id: population.applicationId,
      name,
      icon: null,
      description: "",
      bot_public: false,
      bot_require_code_grant: false,
      bot: bot(),
      owner: views.userOf(population.ownerId),
      team: null,
      verify_key: "0".repeat(64),
      flags: population.messageContent ? MESSAGE_CONTENT_FLAG : 0,
      tags: [],
      approximate_guild_count: 1,
      interactions_endpoint_url: null,
    };
  };

  const gateway = () => `${url().replace(/^http/, "ws")}/gateway`;
  app.get("/gateway", async () => ({ url: gateway() }));
  app.get("/gateway/bot", async () => ({
    url: gateway(),
    shards: 1,
    session_start_limit: { total: 1000, remaining: 999, reset_after: 86_400_000, max_concurrency: 1 },
  }));
  app.get("/users/@me", async () => ({
    ...bot(),
    email: null,
    verified: true,
    mfa_enabled: false,
    flags: 0,
  }));
  app.get("/users/@me/guilds", async () => [
    {
      id: population.id,
      name: population.name,
      icon: null,
      owner: false,
      features: [],
      permissions: world.permissions(population.botId).toString(),
    },
  ]);
  app.get<{ Params: { user: string } }>("/users/:user", async ({ params }) => {
    const member = population.members.get(params.user);
    if (!member) throw new DiscordError(10013);
    return views.user(member);
  });
  app.get("/applications/@me", async () => application());
  app.get("/oauth2/applications/@me", async () => application());
}
