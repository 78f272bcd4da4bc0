import type { FastifyInstance } from "fastify";
import { type Body, isObject } from "../check/form.ts";
import type { Core } from "../core.ts";
import { DiscordError } from "../errors.ts";
import { createMe } from "./me.ts";

type All = { Params: { app: string; guild: string }; Body: unknown };
type One = { Params: { app: string; guild: string; command: string }; Body: Body | undefined };

const PATH = "/applications/:app/guilds/:guild/commands";

export function commandRoutes(app: FastifyInstance, { world, commands }: Core): void {
  const me = createMe(world);
  app.addHook("preHandler", async (request) => {
    const { app: id } = request.params as { app?: string };
    const isCommands = request.routeOptions.url?.includes("/applications/:app") ?? false;
    if (isCommands && id !== me(request)) throw new DiscordError(10002);
  });

  app.get<All>(PATH, async ({ params }) => commands.list(params.app));
  app.put<All>(PATH, async ({ params, body }) => commands.replace(params.app, body));
  app.post<All>(PATH, async ({ params, body }, reply) => {
    const { command, isNew } = commands.create(params.app, isObject(body) ? body : {});
    return reply.code(isNew ? 201 : 200).send(command);
  });
  app.get<One>(`${PATH}/:command`, async ({ params }) => commands.find(params.command));
  app.patch<One>(`${PATH}/:command`, async ({ params, body }) => commands.change(params.command, body ?? {}));
  app.delete<One>(`${PATH}/:command`, async ({ params }, reply) => {
    commands.remove(params.command);
    return reply.code(204).send();
  });
  // Global commands: this guild has none, and the bot may ask.
  app.get("/applications/:app/commands", async () => []);
}
