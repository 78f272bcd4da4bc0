import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Verbs } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { actorOf, BASE, isWithoutActor } from "./auth.ts";

/** What anybody may know who may ask at all. */
const COMMON = new Set([
  "GET /api/orchestrator/health",
  ...["agents", "agents/:id", "acl/explain", "acl/table", "health/ready", "openapi.json"].map(
    (path) => `GET ${BASE}/${path}`,
  ),
]);
/** Delegates in the run's name, or closes what was begun so: the verb sees to it that the run is the parent, and whose it is. */
const BEGINS = new Set([
  `POST ${BASE}/delegations`,
  ...["/api", ""].flatMap((place) =>
    ["route", "fanout", "sessions/spawn", "sessions/send", "sessions/:id/close"].map(
      (path) => `POST ${place}/orchestrator/${path}`,
    ),
  ),
]);
const EVENTS = `GET ${BASE}/events`;
/** About one delegation, or its work item under the delegation's id, which has to be of the run. */
const OWN = new Set([
  `GET ${BASE}/delegations/:id`,
  `GET ${BASE}/delegations/:id/history`,
  `GET ${BASE}/delegations/:id/receipts`,
  `POST ${BASE}/delegations/:id/cancel`,
  `GET ${BASE}/work/items/:slug`,
  `POST ${BASE}/work/items/:slug/notes`,
]);
const DEEPEST = 10;

/**
 * A run's token opens what its agent needs for that run and nothing else: it delegates, and waits for, reads and cancels
 * what the run began. What it makes and finds it notes at its work item.
 */
export function keepToRuns(app: FastifyInstance, verbs: Pick<Verbs, "delegation">): void {
  app.addHook("onRequest", async (request) => {
    if (isWithoutActor(request)) return;
    const actor = actorOf(request);
    if (actor.kind !== "agent" || actor.run === undefined) return;
    const route = `${request.method} ${request.routeOptions.url}`;
    if (COMMON.has(route) || BEGINS.has(route)) return;
    const id = subjectOf(request, route);
    if (id !== undefined && (await isOfRun(verbs, id, actor.run))) return;
    throw new Refusal("not_allowed", `The token of ${actor.run} is not good for that.`, {
      hint: "It delegates, and waits for, reads and cancels what its run began. Rule: a run's token.",
    });
  });
}

function subjectOf(request: FastifyRequest, route: string): string | undefined {
  if (OWN.has(route)) {
    const { id, slug } = request.params as { readonly id?: string; readonly slug?: string };
    return id ?? slug;
  }
  const { delegation } = request.query as { readonly delegation?: unknown };
  return route === EVENTS && typeof delegation === "string" ? delegation : undefined;
}

/** The run itself, and whatever was begun in it, at any depth. */
async function isOfRun(verbs: Pick<Verbs, "delegation">, id: string, run: string): Promise<boolean> {
  let next: string | undefined = id;
  for (let depth = 0; next !== undefined && depth < DEEPEST; depth++) {
    if (next === run) return true;
    next = (await verbs.delegation(next)).parent;
  }
  return false;
}
