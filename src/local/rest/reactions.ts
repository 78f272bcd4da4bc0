import type { FastifyInstance } from "fastify";
import { parseEmoji, usersOf } from "../acts/reactions.ts";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { P } from "../seed.ts";
import { olderFirst } from "../state/snowflake.ts";
import { createMe } from "./me.ts";

type OfMessage = { Params: { channel: string; message: string } };
type OfEmoji = { Params: { channel: string; message: string; emoji: string } };
type OfUser = { Params: { channel: string; message: string; emoji: string; user: string } };

const PATH = "/channels/:channel/messages/:message/reactions";

export function reactionRoutes(app: FastifyInstance, { world, views, messages, reactions }: Core): void {
  const meOf = createMe(world);
  const find = (me: string, { channel, message }: OfMessage["Params"], ...needs: bigint[]) =>
    messages.find(messages.placeFor(me, channel, ...needs), message);

  app.put<OfEmoji>(`${PATH}/:emoji/@me`, async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    reactions.add(find(me, params), me, parseEmoji(params.emoji));
    return reply.code(204).send();
  });

  app.delete<OfUser>(`${PATH}/:emoji/:user`, async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    const isOwn = params.user === "@me" || params.user === me;
    const message = isOwn ? find(me, params) : find(me, params, P.ManageMessages);
    reactions.remove(message, isOwn ? me : params.user, parseEmoji(params.emoji));
    return reply.code(204).send();
  });

  app.get<OfEmoji & { Querystring: { limit?: string; after?: string } }>(
    `${PATH}/:emoji`,
    async ({ params, query, headers }) => {
      const ids = usersOf(find(meOf({ headers }), params), parseEmoji(params.emoji));
      if (ids.length === 0) throw new DiscordError(10014);
      return ids
        .toSorted(olderFirst)
        .filter((id) => query.after === undefined || olderFirst(query.after, id) < 0)
        .slice(0, Math.min(100, Number(query.limit ?? 25)))
        .map(views.userOf);
    },
  );

  app.delete<OfMessage>(PATH, async ({ params, headers }, reply) => {
    reactions.clear(find(meOf({ headers }), params, P.ManageMessages));
    return reply.code(204).send();
  });

  app.delete<OfEmoji>(`${PATH}/:emoji`, async ({ params, headers }, reply) => {
    reactions.clear(find(meOf({ headers }), params, P.ManageMessages), parseEmoji(params.emoji));
    return reply.code(204).send();
  });
}
