import type { Emoji, StoredInteraction, StoredMessage, StoredThread } from "./documents.ts";

import type { Channel } from "./population.ts";

/** What happened in the guild; the gateway and the page's event stream translate it for their readers. */
export type GuildEvent =
  | { readonly kind: "message-create" | "message-update" | "message-delete"; readonly message: StoredMessage }
  | {
      readonly kind: "messages-delete";
      readonly channelId: string;
      readonly messages: readonly StoredMessage[];
    }
  | {
      readonly kind: "reaction-add" | "reaction-remove";
      readonly message: StoredMessage;
      readonly userId: string;
      readonly emoji: Emoji;
    }
  | { readonly kind: "reactions-clear"; readonly message: StoredMessage; readonly emoji?: Emoji }
  | { readonly kind: "thread-create" | "thread-update" | "thread-delete"; readonly thread: StoredThread }
  | { readonly kind: "channel-create" | "channel-delete"; readonly channel: Channel }
  | {
      readonly kind: "thread-members";
      readonly thread: StoredThread;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      readonly kind: "interaction-create";
      readonly interaction: StoredInteraction;
      readonly payload: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "interaction";
      readonly interaction: StoredInteraction;
      readonly message?: StoredMessage;
    }
  | { readonly kind: "commands" }
  | { readonly kind: "bot"; readonly online: boolean }
  | { readonly kind: "typing"; readonly channelId: string; readonly userId: string };

export type Listener = (event: GuildEvent) => void;

export function createFeed() {
  const listeners = new Set<Listener>();
  const emit = (event: GuildEvent): void => {
    for (const listener of listeners) listener(event);
  };
  /** Returns the way to stop listening. */
  const on = (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { emit, on };
}
