import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { actorOf, COORDINATOR } from "./auth.ts";
import { registerBody } from "./orchestrator-inputs.ts";
import { coordinatorOut, registeredOut, skillsOut } from "./orchestrator-outputs.ts";
import type { ApiApp, Door } from "./parts.ts";
import { present } from "./present.ts";
import { orchestratorRoutes } from "./routes-orchestrator.ts";
import { sessionRoutes } from "./routes-sessions.ts";
import { answerWithSeedErrors, SEED_REFUSED } from "./seed-errors.ts";

const ORCHESTRATOR = "/api/orchestrator";
/** The skill's own example leaves the first part out. */
const ALIAS = "/orchestrator";
const REGISTER = "/api/cluster/register";

/** The contract of the orchestrator skill, with its own form of errors. */
export async function seedRoutes(app: ApiApp, door: Door): Promise<void> {
  await app.register(async (plain) => {
    const scope = plain.withTypeProvider<ZodTypeProvider>();
    answerWithSeedErrors(scope, door);
    for (const base of [ORCHESTRATOR, ALIAS]) {
      orchestratorRoutes(scope, door, base, base === ALIAS);
      sessionRoutes(scope, door, base, base === ALIAS);
    }
    clusterRoutes(scope, door);
  });
}

function clusterRoutes(app: ApiApp, { verbs, version }: Door): void {
  const { orchestrator } = verbs;

  app.post(
    REGISTER,
    {
      schema: {
        tags: ["cluster"],
        summary: "Make a skill known; confirms a card of the registry, never adds or changes an address",
        body: registerBody,
        response: { 200: registeredOut, ...SEED_REFUSED },
      },
    },
    async (request) => {
      const { skillId, ...more } = request.body;
      return orchestrator.register(actorOf(request), { skillId, ...present(more) });
    },
  );

  app.get(
    REGISTER,
    {
      schema: {
        tags: ["cluster"],
        summary: "The skills that are known",
        response: { 200: skillsOut, ...SEED_REFUSED },
      },
    },
    async () => ({ items: await orchestrator.skills() }),
  );

  app.get(
    COORDINATOR,
    {
      exposeHeadRoute: true,
      schema: {
        tags: ["system"],
        summary: "Whether the coordinator itself does its work (503 when not); needs no key",
        security: [],
        response: { 200: coordinatorOut, 503: coordinatorOut },
      },
    },
    async (_, reply) => {
      const { ready } = await verbs.health();
      return reply.code(ready ? 200 : 503).send({ status: ready ? "healthy" : "down", version });
    },
  );
}
