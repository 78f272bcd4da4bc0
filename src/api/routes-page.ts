import { actorName } from "../domain/actor.ts";
import { Refusal } from "../kernel/refusal.ts";
import { BASE, PAGE_ACTOR, requireOperator, SESSION_ROUTE, sessionOf } from "./auth.ts";
import { cookieFor, cookieGone, tokenIn } from "./page-cookie.ts";
import { signInBody } from "./page-inputs.ts";
import { pageLinkOut, pageSessionOut } from "./page-outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

const tags = ["page"];

/** Signing in on the supervisor's page, by its key or by a link that is good once. */
export function pageRoutes(app: ApiApp, door: Door): void {
  const { sessions, actorFor, now } = door;

  async function prove({
    code,
    key,
  }: {
    readonly code?: string | undefined;
    readonly key?: string | undefined;
  }) {
    if (code !== undefined) {
      if (sessions.spend(code)) return;
      throw new Refusal(
        "unauthenticated",
        "That link was used already, is older than ten minutes, or was made before a restart.",
        {
          hint: "`hq page` prints a new one; the key in api.key of HQ_HOME signs in too.",
        },
      );
    }
    const actor = await actorFor(key ?? "");
    if (actor?.kind === "operator") return;
    if (actor) {
      throw new Refusal("not_allowed", "That is an agent's token; the page is the operator's.", {
        hint: "Sign in with ORCHESTRATOR_API_KEY, or the content of api.key in HQ_HOME.",
      });
    }
    throw new Refusal("unauthenticated", "That key is not known here.", {
      hint: "It is ORCHESTRATOR_API_KEY, or the content of api.key in HQ_HOME; `hq page` prints a link that needs none.",
    });
  }

  app.get(
    SESSION_ROUTE,
    {
      exposeHeadRoute: true,
      schema: {
        tags,
        summary: "Whether this browser is signed in",
        response: { 200: pageSessionOut, ...REFUSED },
      },
    },
    async (request) => {
      const session = sessionOf(request);
      if (!session) return { signedIn: false as const };
      return { signedIn: true as const, actor: actorName(PAGE_ACTOR), expiresAt: session.expiresAt };
    },
  );

  app.post(
    SESSION_ROUTE,
    {
      schema: {
        tags,
        summary: "Sign in with the code of a link or the operator's key; the answer sets the cookie",
        body: signInBody,
        response: { 200: pageSessionOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      await prove(request.body);
      const before = tokenIn(request, door.port());
      if (before !== undefined) sessions.end(before);
      const { token, session } = sessions.open();
      const { expiresAt } = session;
      reply.header("set-cookie", cookieFor(request, door.port(), token, expiresAt - now()));
      return { signedIn: true as const, actor: actorName(PAGE_ACTOR), expiresAt };
    },
  );

  app.delete(
    SESSION_ROUTE,
    {
      schema: {
        tags,
        summary: "Sign out; open event streams of the session end",
        response: { 200: pageSessionOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const token = tokenIn(request, door.port());
      if (token !== undefined) sessions.end(token);
      reply.header("set-cookie", cookieGone(door.port()));
      return { signedIn: false as const };
    },
  );

  app.post(
    `${BASE}/page/link`,
    {
      schema: {
        tags,
        summary: "A link that signs in on the page once, within ten minutes; operator only",
        response: { 201: pageLinkOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      requireOperator(request);
      return reply.code(201).send(door.pageLink());
    },
  );
}
