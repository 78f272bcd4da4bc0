import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Actor } from "../domain/actor.ts";
import type { Settings } from "../domain/settings.ts";
import type { Log } from "../engine/ports/log.ts";
import type { UpkeepVerbs } from "../engine/upkeep-verbs.ts";
import type { Verbs } from "../engine/verbs.ts";
import { problemOut } from "./outputs.ts";
import type { PageLink } from "./page-outputs.ts";
import type { PageSessions } from "./page-sessions.ts";
import { PROBLEM_JSON } from "./problem.ts";
import type { DiscordDoor } from "./routes-discord.ts";

export type StopMode = "graceful" | "now";

/** What the REST door needs. */
export type ApiParts = {
  readonly verbs: Verbs;
  /** Who a bearer credential is; compares in constant time. Throws a Refusal for one that was good once. */
  readonly actorFor: (credential: string) => Actor | undefined | Promise<Actor | undefined>;
  readonly settings: () => Settings["api"];
  readonly log: Log;
  readonly now: () => number;
  readonly version: string;
  /** Called once the answer to POST /stop is on its way. */
  readonly onStop?: (mode: StopMode) => void;
  /** The token by which an agent proves who it is; without it the route answers 404. */
  readonly agentToken?: (agentId: string) => string;
  /** Looking after the ledger as a whole; without it the routes answer 404. */
  readonly upkeep?: UpkeepVerbs;
  /** Interactions that come by HTTP; without it the route answers 404. */
  readonly discord?: DiscordDoor;
  /** How often a silent event stream says that it lives; 15 s when absent. */
  readonly heartbeatMs?: number;
};

/** What the routes share while the door is open. */
export type Door = ApiParts & {
  /** Aborted when the door closes: long polls answer, event streams end. */
  readonly closing: AbortSignal;
  /** Marks somebody who waits for an answer; call what it returns when done. */
  readonly enter: () => () => void;
  /** Who is signed in on the page. */
  readonly sessions: PageSessions;
  /** The port that it listens on. */
  readonly port: () => number;
  /** A link to the page that signs in once. */
  readonly pageLink: () => PageLink;
};

export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const refused = { description: "Refused", content: { [PROBLEM_JSON]: { schema: problemOut } } };

/** The documented refusals of every route. */
export const REFUSED = { "4xx": refused, "5xx": refused } as const;
