import type { Handshake } from "./gateway/gateway.ts";
import type { StoredInteraction, StoredMessage, StoredThread } from "./state/documents.ts";
import type { GuildEvent } from "./state/events.ts";
import type { World } from "./state/world.ts";

const HISTORY = 1_000_000;

export type SessionLook = {
  readonly id: string;
  readonly intents: number;
  readonly isConnected: boolean;
  readonly seq: number;
};

/** Looking into the guild, for tests. */
export type Inspection = {
  /** All messages of a channel (by id or name), oldest first. */
  readonly messages: (channel: string) => StoredMessage[];
  readonly message: (id: string) => StoredMessage | undefined;
  readonly interaction: (id: string) => StoredInteraction | undefined;
  readonly threads: () => StoredThread[];
  readonly channelId: (name: string) => string;
  readonly memberId: (name: string) => string;
  readonly roleId: (name: string) => string;
  readonly sessions: () => SessionLook[];
  /** How bots came in, oldest first: by IDENTIFY or RESUME. */
  readonly handshakes: () => readonly Handshake[];
  readonly on: (listener: (event: GuildEvent) => void) => () => void;
  /** Resolves with the first event from now on that the function finds something in. */
  readonly next: <T>(find: (event: GuildEvent) => T | undefined, withinMs?: number) => Promise<T>;
};

export function createInspection({
  world,
  sessions,
  handshakes,
}: {
  world: World;
} & Pick<Inspection, "sessions" | "handshakes">): Inspection {
  const idOf = (what: string, name: string, id: string | undefined) => {
    if (id === undefined) throw new Error(`the guild has no ${what} ${name}`);
    return id;
  };
  const channelId = (name: string) => idOf("channel", name, world.placeNamed(name)?.id);

  return {
    messages: (channel) => world.page(channelId(channel), { limit: HISTORY }).reverse(),
    message: world.message,
    interaction: world.interaction,
    threads: world.threads,
    channelId,
    memberId: (name) => idOf("member", name, world.memberNamed(name)?.id),
    roleId: (name) =>
      idOf("role", name, [...world.population.roles.values()].find((role) => role.name === name)?.id),
    sessions,
    handshakes,
    on: world.on,
    next: (find, withinMs = 10_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`nothing fitting happened in the guild within ${withinMs} ms`));
        }, withinMs);
        const stop = world.on((event) => {
          const found = find(event);
          if (found === undefined) return;
          clearTimeout(timer);
          stop();
          resolve(found);
        });
      }),
  };
}
