import type { FastifyInstance } from "fastify";
import { sendingTo } from "../acts/messages.ts";
import type { Body } from "../check/form.ts";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { P } from "../seed.ts";
import type { StoredThread } from "../state/documents.ts";
import { createMe } from "./me.ts";

type InChannel = { Params: { channel: string }; Body: Body | undefined };
type OfMessage = { Params: { channel: string; message: string }; Body: Body | undefined };
type OfUser = { Params: { channel: string; user: string } };

export function threadRoutes(app: FastifyInstance, { world, views, messages, threads }: Core): void {
  const meOf = createMe(world);

  function threadAt(me: string, id: string): StoredThread {
    const { thread } = messages.placeFor(me, id);
    if (!thread) throw new DiscordError(50024);
    return thread;
  }

  const userId = (me: string, word: string) => {
    const id = word === "@me" ? me : word;
    if (!world.population.members.has(id)) throw new DiscordError(10013);
    return id;
  };

  app.post<OfMessage>(
    "/channels/:channel/messages/:message/threads",
    async ({ params, body, headers }, reply) => {
      const me = meOf({ headers });
      const at = messages.placeFor(me, params.channel, P.CreatePublicThreads);
      const thread = threads.startFrom(messages.find(at, params.message), at, me, body ?? {});
      return reply.code(201).send(views.thread(thread));
    },
  );

  app.post<InChannel>("/channels/:channel/threads", async ({ params, body, headers }, reply) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel, P.CreatePublicThreads);
    return reply.code(201).send(views.thread(threads.start(at, me, body ?? {})));
  });

  app.patch<InChannel>("/channels/:channel", async ({ params, body, headers }) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel);
    if (!at.thread) throw new DiscordError(50013);
    // Whoever may write there opens an archived thread again.
    const isOpening = !at.thread.locked && body?.["archived"] === false && Object.keys(body).length === 1;
    const may = isOpening ? world.can(me, at, sendingTo(at)) : at.thread.ownerId === me && !at.thread.locked;
    if (!may && !world.can(me, at, P.ManageThreads)) throw new DiscordError(50013);
    return views.thread(threads.change(at.thread, body ?? {}));
  });

  app.delete<InChannel>("/channels/:channel", async ({ params, headers }) => {
    const me = meOf({ headers });
    const at = messages.placeFor(me, params.channel);
    if (!at.thread || !world.can(me, at, P.ManageThreads)) throw new DiscordError(50013);
    threads.remove(at.thread);
    return views.thread(at.thread);
  });

  app.get<InChannel>("/channels/:channel/thread-members", async ({ params, headers }) => {
    const thread = threadAt(meOf({ headers }), params.channel);
    return thread.members.map((id) => views.threadMember(thread, id));
  });

  app.get<OfUser>("/channels/:channel/thread-members/:user", async ({ params, headers }) => {
    const me = meOf({ headers });
    const thread = threadAt(me, params.channel);
    const id = userId(me, params.user);
    if (!thread.members.includes(id)) throw new DiscordError(10007);
    return views.threadMember(thread, id);
  });

  app.put<OfUser>("/channels/:channel/thread-members/:user", async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    threads.join(threadAt(me, params.channel), userId(me, params.user));
    return reply.code(204).send();
  });

  app.delete<OfUser>("/channels/:channel/thread-members/:user", async ({ params, headers }, reply) => {
    const me = meOf({ headers });
    threads.leave(threadAt(me, params.channel), userId(me, params.user));
    return reply.code(204).send();
  });
}
