import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Actor, actorName } from "../domain/actor.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import type { PageSession } from "./page-sessions.ts";

const ACTOR = "actor";
/** Why a credential that was good once is no more. */
const SPENT = "spent";
const SESSION = "session";
export const BASE = "/api/v1";
const LIVE = `${BASE}/health/live`;
/** Whether the coordinator itself is well, as the orchestrator's contract has it. */
export const COORDINATOR = "/api/health/check";
/** Discord signs what it sends here. */
export const DISCORD = "/discord/interactions";
const HAND_IN = new Set([
  `POST ${BASE}/handoffs/:runId`,
  ...["PUT", "POST"].map((method) => `${method} ${BASE}/handoffs/:runId/artifacts/:name`),
]);
export const SESSION_ROUTE = `${BASE}/page/session`;
/** The page's own files, and where it signs in. */
const PAGE = new Set(["/", "/page/*", SESSION_ROUTE]);
/** Whoever signed in on the page. */
export const PAGE_ACTOR: Actor = { kind: "operator", via: "page" };

export const UNKNOWN_KEY = "That key is not known here.";

/** What a request can carry as its key. */
const CREDENTIAL = "[\\x21-\\x7e]{1,512}";
const BEARER = new RegExp(`^Bearer +(${CREDENTIAL})$`, "i");
export const isCredential = (text: string): boolean => new RegExp(`^${CREDENTIAL}$`).test(text);

export function bearerOf(request: FastifyRequest): string | undefined {
  return BEARER.exec(request.headers.authorization ?? "")?.[1];
}

/** Liveness and the page's files need no key; a handoff is handed in with its run's token, which the verb checks. */
export function isWithoutActor(request: FastifyRequest): boolean {
  const { url = "" } = request.routeOptions;
  return (
    url === LIVE ||
    url === COORDINATOR ||
    url === DISCORD ||
    PAGE.has(url) ||
    HAND_IN.has(`${request.method} ${url}`)
  );
}

export function isLiveness(request: FastifyRequest): boolean {
  return request.routeOptions.url === LIVE;
}

/** Whose requests are counted together. */
export function rateKey(request: FastifyRequest): string {
  const actor = request.getDecorator<Actor | undefined>(ACTOR);
  if (actor) return actorName(actor);
  if (request.routeOptions.url === DISCORD) return `discord at ${request.ip}`;
  const { runId } = request.params as { readonly runId?: string };
  return isWithoutActor(request) && runId !== undefined ? `run ${runId}` : `nobody at ${request.ip}`;
}

/** Notes who asks; does not refuse yet, so that wrong keys are counted by the rate limit too. */
export function recogniseActors(
  app: FastifyInstance,
  actorFor: (credential: string) => Actor | undefined | Promise<Actor | undefined>,
  /** Of the cookie; throws when another web page made the browser send it. */
  signedIn: (request: FastifyRequest) => PageSession | undefined,
): void {
  app.decorateRequest<Actor | undefined>(ACTOR, undefined);
  app.decorateRequest<Refusal | undefined>(SPENT, undefined);
  app.decorateRequest<PageSession | undefined>(SESSION, undefined);
  app.addHook("onRequest", async (request) => {
    const session = request.headers.authorization === undefined ? signedIn(request) : undefined;
    if (session) {
      request.setDecorator(SESSION, session);
      request.setDecorator(ACTOR, PAGE_ACTOR);
      return;
    }
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

/** The sign-in on the page that the request came with. */
export function sessionOf(request: FastifyRequest): PageSession | undefined {
  return request.getDecorator<PageSession | undefined>(SESSION);
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
  throw new Refusal("unauthenticated", isGiven ? UNKNOWN_KEY : "A key is needed.", {
    hint: "Send Authorization: Bearer with ORCHESTRATOR_API_KEY (or the content of api.key in HQ_HOME), or an agent's token.",
  });
}

export function requireOperator(request: FastifyRequest): void {
  if (actorOf(request).kind === "operator") return;
  throw new Refusal("not_allowed", "Only the operator may do that.", {
    hint: "Ask whoever runs this supervisor; an agent's token may delegate, read and hand in.",
  });
}
