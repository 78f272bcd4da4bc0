import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Actor, actorName } from "../domain/actor.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";

const ACTOR = "actor";
/** Why a credential that was good once is no more. */
const SPENT = "spent";
export const BASE = "/api/v1";
const LIVE = `${BASE}/health/live`;
/** Whether the coordinator itself is well, as the orchestrator's contract has it. */
export const COORDINATOR = "/api/health/check";
const HAND_IN = `${BASE}/handoffs/:runId`;

export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Liveness needs no key; a handoff is handed in with its run's token, which the verb checks. */
export function isWithoutActor(request: FastifyRequest): boolean {
  const { url, method } = request.routeOptions;
  return url === LIVE || url === COORDINATOR || (url === HAND_IN && method === "POST");
}

export function isLiveness(request: FastifyRequest): boolean {
  return request.routeOptions.url === LIVE;
}

/** Whose requests are counted together. */
export function rateKey(request: FastifyRequest): string {
  const actor = request.getDecorator<Actor | undefined>(ACTOR);
  if (actor) return actorName(actor);
  const { runId } = request.params as { readonly runId?: string };
  return isWithoutActor(request) && runId !== undefined ? `run ${runId}` : `nobody at ${request.ip}`;
}

/** Notes who asks; does not refuse yet, so that wrong keys are counted by the rate limit too. */
export function recogniseActors(
  app: FastifyInstance,
  actorFor: (credential: string) => Actor | undefined | Promise<Actor | undefined>,
): void {
  app.decorateRequest<Actor | undefined>(ACTOR, undefined);
  app.decorateRequest<Refusal | undefined>(SPENT, undefined);
  app.addHook("onRequest", async (request) => {
    if (isWithoutActor(request)) return;
    const credential = bearerOf(request);
    if (credential === undefined) return;
    try {
      request.setDecorator(ACTOR, await actorFor(credential));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      request.setDecorator(SPENT, error);
    }
  });
}

export function requireActors(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    if (!isWithoutActor(request)) actorOf(request);
  });
}

export function actorOf(request: FastifyRequest): Actor {
  const actor = request.getDecorator<Actor | undefined>(ACTOR);
  if (actor) return actor;
  const spent = request.getDecorator<Refusal | undefined>(SPENT);
  if (spent) throw spent;
  const isGiven = request.headers.authorization !== undefined;
  throw new Refusal("unauthenticated", isGiven ? "That key is not known here." : "A key is needed.", {
    hint: "Send Authorization: Bearer with ORCHESTRATOR_API_KEY (or the content of api.key in HQ_HOME), or an agent's token.",
  });
}

export function requireOperator(request: FastifyRequest): void {
  if (actorOf(request).kind === "operator") return;
  throw new Refusal("not_allowed", "Only the operator may do that.", {
    hint: "Ask whoever runs this supervisor; an agent's token may delegate, read and hand in.",
  });
}
