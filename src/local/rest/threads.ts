import type { FastifyInstance } from "fastify";
import type { Body } from "../check/form.ts";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { P } from "../seed.ts";
import type { StoredThread } from "../state/documents.ts";

type InChannel = { Params: { channel: string }; Body: Body | undefined };
type OfMessage = { Params: { channel: string; message: string }; Body: Body | undefined };
type OfUser = { Params: { channel: string; user: string } };

export function threadRoutes(app: FastifyInstance, { world, views, messages, threads }: Core): void {
  const me = world.population.botId;

  function threadAt(id: string): StoredThread {
    const { thread } = messages.placeFor(me, id);
    if (!thread) throw new DiscordError(50024);
    return thread;
  }

  const userId = (word: string) => {
    const id = word === "@me" ? me : word;
    if (!world.population.members.has(id)) throw new DiscordError(10013);
    return id;
  };

  app.post<OfMessage>("/channels/:channel/messages/:message/threads", async ({ params, body }, reply) => {
    const at = messages.placeFor(me, params.channel, P.CreatePublicThreads);
    const thread = threads.startFrom(messages.find(at, params.message), at, me, body ?? {});
    return reply.code(201).send(views.thread(thread));
  });

  app.post<InChannel>("/channels/:channel/threads", async ({ params, body }, reply) => {
    const at = messages.placeFor(me, params.channel, P.CreatePublicThreads);
    return reply.code(201).send(views.thread(threads.start(at, me, body ?? {})));
  });

  app.patch<InChannel>("/channels/:channel", async ({ params, body }) => {
    const at = messages.placeFor(me, params.channel);
    if (!at.thread) throw new DiscordError(50013);
    if (at.thread.ownerId !== me && !world.can(me, at, P.ManageThreads)) throw new DiscordError(50013);
    return views.thread(threads.change(at.thread, body ?? {}));
  });

  app.delete<InChannel>("/channels/:channel", async ({ params }) => {
    const at = messages.placeFor(me, params.channel);
    if (!at.thread || !world.can(me, at, P.ManageThreads)) throw new DiscordError(50013);
    threads.remove(at.thread);
    return views.thread(at.thread);
  });

  app.get<InChannel>("/channels/:channel/thread-members", async ({ params }) => {
    const thread = threadAt(params.channel);
    return thread.members.map((id) => views.threadMember(thread, id));
  });

  app.get<OfUser>("/channels/:channel/thread-members/:user", async ({ params }) => {
    const thread = threadAt(params.channel);
    const id = userId(params.user);
    if (!thread.members.includes(id)) throw new DiscordError(10007);
    return views.threadMember(thread, id);
  });

  app.put<OfUser>("/channels/:channel/thread-members/:user", async ({ params }, reply) => {
    threads.join(threadAt(params.channel), userId(params.user));
    return reply.code(204).send();
  });

  app.delete<OfUser>("/channels/:channel/thread-members/:user", async ({ params }, reply) => {
    threads.leave(threadAt(params.channel), userId(params.user));
    return reply.code(204).send();
  });
}
