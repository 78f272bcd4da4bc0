import type { APIUser, Client, Guild, GuildMember } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import type { TaskClaims } from "../engine/ports/task-claims.ts";
import type { TaskVerbs } from "../engine/task-verbs.ts";
import { newId } from "../kernel/id.ts";
import type { ChannelDirectory } from "./channels.ts";
import type { Asked } from "./command.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { DiscordError, type DiscordFailure, failureOf } from "./discord-failure.ts";
import type { TroubledPosts } from "./post-trouble.ts";
import { createQueueChannel } from "./queue-channel.ts";
import { mapStrings } from "./redact-view.ts";
import type { DiscordRest } from "./rest.ts";
import { createTaskClaims } from "./task-claims.ts";
import { createTasks, type Tasks } from "./tasks.ts";
import { createTaskReading, type Memory } from "./tasks-read.ts";

/** Roles are asked for again after this long. */
const ROLES_FRESH_MS = 60_000;
const MOST_PEOPLE = 1000;

export type TaskEdgeDeps = {
  readonly rest: DiscordRest;
  readonly deliveries: DeliveryPort;
  readonly channels: ChannelDirectory;
  readonly guildId: string;
  readonly guild: () => Guild | undefined;
  /** Resolves when the guild is known, be it without a connection. Throws `Refusal`. */
  readonly know: () => Promise<void>;
  readonly botId: () => string;
  readonly isConnected: () => boolean;
  readonly tasks: TaskVerbs;
  readonly memory: Memory;
  readonly actorOf: (user: Asked["user"]) => Actor;
  readonly redact: (text: string) => string;
  readonly onFailure: (failure: DiscordFailure) => void;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

export type TaskEdge = {
  readonly listen: (client: Client) => void;
  /** After a gap in the connection (`isThorough`), and each minute. Failures are logged and tried again. */
  readonly reconcile: (isThorough: boolean) => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly claims: TaskClaims;
  /** The queue that is not read, else tasks that are not claimed, for long. */
  readonly troubled: () => TroubledPosts | undefined;
  readonly queue: QueueChannel;
  /** The name of this supervisor in its claims. */
  readonly holder: () => Promise<string>;
};

/** Everything of the queue that happens in Discord, wired. */
export function createTaskEdge(deps: TaskEdgeDeps): TaskEdge {
  const { memory, now, log } = deps;
  const askedAt = new Map<string, number>();
  let naming: Promise<string> | undefined;

  /** Kept in the ledger: two folders are two supervisors, whatever they share. */
  async function name(): Promise<string> {
    const known = await memory.recall("tasks/holder");
    if (known !== undefined) return known;
    const made = `hq-${newId("", now()).slice(-8)}`;
    await memory.remember("tasks/holder", made);
    return made;
  }

  function holder(): Promise<string> {
    naming ??= name().catch((error: unknown) => {
      naming = undefined;
      throw error;
    });
    return naming;
  }

  const isGuildKnown = () => deps.guild() !== undefined && deps.channels.isKnown();

  async function actorFor(user: Pick<APIUser, "id" | "username" | "bot">): Promise<Actor> {
    const isThere = isGuildKnown();
    const member = isThere ? await memberOf(user.id) : undefined;
    // Whoever has left Discord meanwhile would take everybody for somebody without roles.
    if (!isThere || !isGuildKnown())
      throw new DiscordError({
        kind: "withheld",
        text: "Discord was left before the author's roles were known",
      });
    const roles = [deps.guildId, ...(member?.roles.cache.keys() ?? [])];
    return deps.actorOf({ id: user.id, name: user.username, roles: member ? [...new Set(roles)] : [] });
  }

  /** The roles of now: an event brings them along, and what was read back is asked for. */
  async function memberOf(id: string): Promise<GuildMember | undefined> {
    const isFresh = now() - (askedAt.get(id) ?? 0) < ROLES_FRESH_MS;
    try {
      const member = await deps.guild()?.members.fetch({ user: id, force: !isFresh });
      if (askedAt.size > MOST_PEOPLE) askedAt.clear();
      if (!isFresh) askedAt.set(id, now());
      return member;
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.kind !== "unreachable-place" && failure.kind !== "refused") throw new DiscordError(failure);
      log.debug({ user: id, failure: failure.text }, "an author is no member");
      return undefined;
    }
  }

  const reading = createTaskReading({ ...deps, actorFor });
  const tasks: Tasks = createTasks({ ...deps, reading });
  const claims = createTaskClaims({ ...deps, holder, redact: (view) => mapStrings(view, deps.redact) });
  return {
    listen: tasks.listen,
    async reconcile(isThorough) {
      // A failure was logged, and the next look is on its way.
      await tasks.readBack(isThorough);
    },
    stop: tasks.stop,
    claims,
    troubled() {
      const reason = tasks.trouble();
      return reason === undefined ? claims.troubled() : { count: 1, reason, what: "queue" };
    },
    queue: createQueueChannel({ ...deps, tasks }),
    holder,
  };
}
