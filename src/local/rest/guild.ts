import type { FastifyInstance } from "fastify";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { olderFirst } from "../state/snowflake.ts";
import { createMe } from "./me.ts";

type InGuild = { Params: { guild: string } };
type ForMember = { Params: { guild: string; user: string } };

/** The guild, its channels, roles and members. */
export function guildRoutes(app: FastifyInstance, { world, views }: Core): void {
  const { population } = world;
  const me = createMe(world);

  app.addHook("preHandler", async (request) => {
    const { guild } = request.params as { guild?: string };
    if (guild !== undefined && guild !== population.id) throw new DiscordError(10004);
  });

  app.get<InGuild>("/guilds/:guild", async () => ({
    ...views.guild(),
    approximate_member_count: population.members.size,
    approximate_presence_count: population.members.size,
  }));
  app.get<InGuild>("/guilds/:guild/channels", async () =>
    [...population.channels.values()].map(views.channel),
  );
  app.get<InGuild>("/guilds/:guild/roles", async () => [...population.roles.values()].map(views.role));
  app.get<InGuild>("/guilds/:guild/threads/active", async (request) => {
    const id = me(request);
    const threads = world.threads().filter((thread) => !thread.archived);
    return {
      threads: threads.map(views.thread),
      members: threads
        .filter((thread) => thread.members.includes(id))
        .map((thread) => views.threadMember(thread, id)),
    };
  });

  app.get<InGuild & { Querystring: { limit?: string; after?: string } }>(
    "/guilds/:guild/members",
    async ({ query }) =>
      [...population.members.values()]
        .sort((a, b) => olderFirst(a.id, b.id))
        .filter((member) => query.after === undefined || olderFirst(query.after, member.id) < 0)
        .slice(0, Math.min(1000, Number(query.limit ?? 1)))
        .map(views.member),
  );
  app.get<InGuild & { Querystring: { query?: string; limit?: string } }>(
    "/guilds/:guild/members/search",
    async ({ query }) =>
      [...population.members.values()]
        .filter((member) =>
          [member.name, member.display].some((name) =>
            name.toLowerCase().startsWith((query.query ?? "").toLowerCase()),
          ),
        )
        .slice(0, Number(query.limit ?? 1))
        .map(views.member),
  );
  app.get<ForMember>("/guilds/:guild/members/:user", async ({ params, headers }) => {
    const id = params.user === "@me" ? me({ headers }) : params.user;
    const member = population.members.get(id);
    if (!member) throw new DiscordError(10007);
    return views.member(member);
  });
}
