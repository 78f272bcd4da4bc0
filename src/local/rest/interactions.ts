import type { FastifyInstance } from "fastify";
import { readBody } from "../body.ts";
import { FLAG } from "../check/draft.ts";
import type { Core } from "../core.ts";

type Callback = { Params: { interaction: string; token: string }; Querystring: { with_response?: string } };
type Hook = { Params: { app: string; token: string } };
type HookMessage = { Params: { app: string; token: string; message: string } };

/** How the bot answers interactions: the callback, then the webhook of the interaction for 15 minutes. */
export function interactionRoutes(app: FastifyInstance, { world, views, interactions }: Core): void {
  const looker = { id: world.population.botId };

  app.post<Callback>("/interactions/:interaction/:token/callback", async (request, reply) => {
    const { body, uploads } = await readBody(request);
    const { interaction: id, token } = request.params;
    const { interaction, message } = interactions.answer(id, token, body, uploads);
    if (request.query.with_response !== "true") return reply.code(204).send();
    const told = message && interaction.answeredWith !== 6 ? message : undefined;
    return {
      interaction: {
        id,
        type: interaction.type,
        ...(told
          ? {
              response_message_id: told.id,
              response_message_loading: (told.flags & FLAG.loading) !== 0,
              response_message_ephemeral: told.onlyFor !== undefined,
            }
          : {}),
      },
      resource: {
        type: interaction.answeredWith,
        ...(told ? { message: views.message(told, looker) } : {}),
      },
    };
  });

  app.post<Hook>("/webhooks/:app/:token", async (request) => {
    const { body, uploads } = await readBody(request);
    const interaction = interactions.byToken(request.params.app, request.params.token);
    return views.message(interactions.followUp(interaction, body, uploads), { ...looker, isFresh: true });
  });

  app.get<HookMessage>("/webhooks/:app/:token/messages/:message", async ({ params }) => {
    const interaction = interactions.byToken(params.app, params.token);
    return views.message(interactions.messageOf(interaction, params.message), looker);
  });

  app.patch<HookMessage>("/webhooks/:app/:token/messages/:message", async (request) => {
    const { app: id, token, message } = request.params;
    const { body, uploads } = await readBody(request);
    const interaction = interactions.byToken(id, token);
    return views.message(interactions.editReply(interaction, message, body, uploads), looker);
  });

  app.delete<HookMessage>("/webhooks/:app/:token/messages/:message", async ({ params }, reply) => {
    const interaction = interactions.byToken(params.app, params.token);
    interactions.removeReply(interaction, params.message);
    return reply.code(204).send();
  });
}
