import type { FastifyInstance } from "fastify";
import { sendingTo } from "../acts/messages.ts";
import { readBody } from "../body.ts";
import { type Draft, FLAG, readDraft } from "../check/draft.ts";
import type { Core } from "../core.ts";
import { DiscordError, invalidForm } from "../errors.ts";
import { P } from "../seed.ts";
import { isSnowflake } from "../state/snowflake.ts";
import { createMe } from "./me.ts";

type InChannel = { Params: { channel: string } };
type OfMessage = { Params: { channel: string; message: string } };
type Listing = { Querystring: { before?: string; after?: string; around?: string; limit?: string } };

const OLD_MS = 3_600_000;

export function messageRoutes(app: FastifyInstance, core: Core): void {
  const { world, views, messages, limits } = core;
  const meOf = createMe(world);
  const lookerOf = (id: string) => ({ id, readsContent: world.population.messageContent });

  app.get<InChannel>("/channels/:channel", async ({ params, headers }) => {
    const known = world.population.channels.get(params.channel);
    if (known?.type === 4) return views.channel(known);
    return views.place(messages.placeFor(meOf({ headers }), params.channel).id);
  });

  app.get<InChannel & Listing>("/channels/:channel/messages", async ({ params, query, headers }) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel);
    const limit = Number(query.limit ?? 50);
    if (!(limit >= 1 && limit <= 100)) {
      throw invalidForm([{ path: "limit", code: "NUMBER_TYPE_RANGE", message: "Must be from 1 to 100." }]);
    }
    for (const key of ["before", "after", "around"] as const) {
      if (query[key] !== undefined && !/^\d{1,20}$/.test(query[key])) {
        throw invalidForm([
          { path: key, code: "NUMBER_TYPE_COERCE", message: `Value "${query[key]}" is not snowflake.` },
        ]);
      }
    }
    if (!world.can(me, at, P.ReadMessageHistory)) return [];
    return world.page(at.id, { ...query, limit }).map((one) => views.message(one, lookerOf(me)));
  });

  app.get<OfMessage>("/channels/:channel/messages/:message", async ({ params, headers }) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel, P.ReadMessageHistory);
    return views.message(messages.find(at, params.message), lookerOf(me));
  });

  app.post<InChannel>("/channels/:channel/messages", async (request) => {
    const me = meOf(request);
    const at = messages.placeFor(me, request.params.channel);
    if (!world.can(me, at, sendingTo(at))) throw new DiscordError(50013);
    const { body, uploads } = await readBody(request);
    if (uploads.length > 0 && !world.can(me, at, P.AttachFiles)) throw new DiscordError(50013);
    const draft = withoutEphemeral(readDraft(body));
    if (draft.replyTo !== undefined && !world.can(me, at, P.ReadMessageHistory))
      throw new DiscordError(50013);
    const message = messages.create({ authorId: me, at, draft, uploads });
    return views.message(message, { ...lookerOf(me), isFresh: true });
  });

  app.patch<OfMessage>("/channels/:channel/messages/:message", async (request) => {
    const me = meOf(request);
    const at = messages.placeFor(me, request.params.channel);
    const message = messages.find(at, request.params.message);
    if (message.authorId !== me) throw new DiscordError(50005);
    const { body, uploads } = await readBody(request);
    const isOld = message.createdAt < world.now() - OLD_MS;
    const retryAfterMs = isOld ? limits.waitForOldEdit(at.id) : 0;
    if (retryAfterMs > 0) throw new DiscordError(30046, { retryAfterMs });
    const draft = readDraft(body, { isV2: (message.flags & FLAG.componentsV2) !== 0 });
    return views.message(messages.edit(message, draft, { uploads }), lookerOf(me));
  });

  app.delete<OfMessage>("/channels/:channel/messages/:message", async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel);
    const message = messages.find(at, params.message);
    if (message.authorId !== me && !world.can(me, at, P.ManageMessages)) throw new DiscordError(50013);
    messages.remove(message);
    return reply.code(204).send();
  });

  app.post<InChannel & { Body: { messages?: unknown } }>(
    "/channels/:channel/messages/bulk-delete",
    async ({ params, body, headers }, reply) => {
      const at = messages.placeFor(meOf({ headers }), params.channel, P.ManageMessages);
      const ids = Array.isArray(body.messages) ? [...new Set(body.messages.filter(isSnowflake))] : [];
      if (ids.length < 2 || ids.length > 100) {
        throw invalidForm([
          { path: "messages", code: "BASE_TYPE_BAD_LENGTH", message: "Must be between 2 and 100 in length." },
        ]);
      }
      const gone = ids.flatMap((id) => {
        const message = world.message(id);
        return message?.channelId === at.id && message.onlyFor === undefined ? [message] : [];
      });
      messages.removeAll(at, gone);
      return reply.code(204).send();
    },
  );

  app.post<InChannel>("/channels/:channel/typing", async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel);
    if (!world.can(me, at, sendingTo(at))) throw new DiscordError(50013);
    world.emit({ kind: "typing", channelId: at.id, userId: me });
    return reply.code(204).send();
  });
}

/** Only answers to interactions can be ephemeral. */
function withoutEphemeral(draft: Draft): Draft {
  return draft.flags === undefined ? draft : { ...draft, flags: draft.flags & ~FLAG.ephemeral };
}
