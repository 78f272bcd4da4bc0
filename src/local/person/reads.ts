import type { FastifyInstance } from "fastify";
import { Refusal } from "../../kernel/refusal.ts";
import { parseEmoji, usersOf } from "../acts/reactions.ts";
import { FILE_BYTES, MOST_FILES, REQUEST_BYTES } from "../attachments.ts";
import type { PersonDeps } from "./routes.ts";

type As = { Querystring: { as?: string } };
type History = {
  Params: { channel: string };
  Querystring: { as?: string; before?: string; after?: string; around?: string; limit?: string };
};

/** What a person sees. */
export function readRoutes(app: FastifyInstance, deps: PersonDeps): void {
  const { core, finding, looks, stream, isBotOnline } = deps;
  const { world, views } = core;
  const { population } = world;

  app.get<As>("/local/state", async ({ query }) => {
    const you = finding.person(query.as);
    const sees = (id: string) => {
      const at = world.place(id);
      return at !== undefined && finding.sees(you, at);
    };
    const channels = [...population.channels.values()].sort((a, b) => a.position - b.position);
    const roles = [...population.roles.values()].sort((a, b) => b.position - a.position);
    const bot = population.members.get(population.botId);
    return {
      guild: { id: population.id, name: population.name, icon: null, owner_id: population.ownerId },
      you: {
        id: you.id,
        name: you.name,
        display: you.display,
        roles: [...you.roles],
        permissions: world.permissions(you.id).toString(),
      },
      categories: channels
        .filter((one) => one.type === 4)
        .map((category) => ({
          id: category.id,
          name: category.name,
          position: category.position,
          channels: channels
            .filter((one) => one.parentId === category.id && sees(one.id))
            .map((one) => looks.place(one.id, you)),
        })),
      threads: world
        .threads()
        .filter((thread) => sees(thread.id))
        .map((thread) => looks.place(thread.id, you)),
      roles: roles.map(views.role),
      members: [...population.members.values()].map((one) => looks.member(one, isBotOnline())),
      bot: {
        id: population.botId,
        application_id: population.applicationId,
        name: bot?.name ?? "",
        online: isBotOnline(),
      },
      commands: looks.commands(you),
      limits: {
        message_length: 2000,
        file_bytes: FILE_BYTES,
        request_bytes: REQUEST_BYTES,
        files: MOST_FILES,
      },
      events: stream.lastId(),
    };
  });

  app.get<History>("/local/channels/:channel/messages", async ({ params, query }) => {
    const you = finding.person(query.as);
    const at = finding.place(you, params.channel);
    const limit = Number(query.limit ?? 50);
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new Refusal("invalid_input", "limit must be from 1 to 100.");
    }
    return world.page(at.id, { ...query, limit }).map((one) => looks.message(one, you));
  });

  app.get<{ Params: { channel: string; message: string } } & As>(
    "/local/channels/:channel/messages/:message",
    async ({ params, query }) => {
      const you = finding.person(query.as);
      return looks.message(finding.message(you, params.message).message, you);
    },
  );

  app.get<{ Params: { channel: string; message: string; emoji: string } } & As>(
    "/local/channels/:channel/messages/:message/reactions/:emoji",
    async ({ params, query }) => {
      const you = finding.person(query.as);
      const { message } = finding.message(you, params.message);
      return usersOf(message, parseEmoji(params.emoji)).map(views.userOf);
    },
  );

  app.get<{ Params: { id: string } } & As>("/local/interactions/:id", async ({ params, query }) => {
    const you = finding.person(query.as);
    const found = world.interaction(params.id);
    if (found?.userId !== you.id) throw new Refusal("not_found", "There is no such interaction.");
    return looks.interaction(found, you);
  });
}
