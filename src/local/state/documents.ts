import type {
  APIApplicationCommand,
  APIEmbed,
  APIModalInteractionResponseCallbackData,
} from "discord-api-types/v10";

/** What the journal keeps. Every document is replaced as a whole, never changed in place. */
export type Documents = {
  readonly message: StoredMessage;
  readonly thread: StoredThread;
  readonly command: APIApplicationCommand;
  readonly interaction: StoredInteraction;
  readonly setting: StoredSetting;
};

export type Kind = keyof Documents;

export type Emoji = { readonly id: string | null; readonly name: string };

export type StoredAttachment = {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly contentType: string;
  readonly description?: string;
  readonly width?: number;
  readonly height?: number;
};

export type StoredReaction = { readonly emoji: Emoji; readonly users: readonly string[] };

/** A component as it was sent, ids filled in. */
export type Component = { readonly type: number; readonly [field: string]: unknown };

export type StoredMessage = {
  readonly id: string;
  readonly channelId: string;
  readonly authorId: string;
  readonly type: number;
  readonly content: string;
  readonly createdAt: number;
  readonly editedAt?: number;
  readonly flags: number;
  readonly tts: boolean;
  readonly embeds: readonly APIEmbed[];
  readonly components: readonly Component[];
  readonly attachments: readonly StoredAttachment[];
  /** Ids of users and roles whose mention was allowed. */
  readonly mentions: readonly string[];
  readonly mentionRoles: readonly string[];
  readonly mentionEveryone: boolean;
  /** Ids of everyone who was notified. */
  readonly pinged: readonly string[];
  readonly reactions: readonly StoredReaction[];
  readonly nonce?: string | number;
  readonly enforceNonce?: boolean;
  readonly replyTo?: { readonly messageId: string; readonly channelId: string };
  readonly interaction?: {
    readonly id: string;
    readonly type: number;
    readonly userId: string;
    readonly name?: string;
  };
  readonly threadId?: string;
  /** Set on ephemeral messages: the only person who sees it. */
  readonly onlyFor?: string;
};

export type StoredThread = {
  readonly id: string;
  readonly parentId: string;
  readonly name: string;
  readonly ownerId: string;
  readonly type: 10 | 11 | 12;
  readonly createdAt: number;
  readonly archived: boolean;
  readonly locked: boolean;
  readonly autoArchiveMinutes: number;
  readonly archiveChangedAt: number;
  readonly members: readonly string[];
};

export type InteractionState =
  | "pending"
  | "thinking"
  | "deferred"
  | "replied"
  | "updated"
  | "deleted"
  | "modal"
  | "failed";

export type StoredInteraction = {
  readonly id: string;
  readonly token: string;
  /** 2 command, 3 component, 4 autocomplete, 5 modal submit. */
  readonly type: 2 | 3 | 4 | 5;
  readonly userId: string;
  readonly channelId: string;
  readonly createdAt: number;
  readonly nonce?: string | number;
  /** Until when the first answer is taken; 3 s after it was sent. */
  readonly answerBy: number;
  readonly state: InteractionState;
  /** The callback type of the first answer; undefined = not answered. */
  readonly answeredWith?: number;
  readonly command?: { readonly id: string; readonly name: string; readonly type: number };
  readonly customId?: string;
  readonly sourceMessageId?: string;
  /** The message that `@original` means. */
  readonly originalId?: string;
  readonly ephemeral?: boolean;
  readonly modal?: APIModalInteractionResponseCallbackData;
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[];
  /** The last message that belongs to this interaction and was made or changed. */
  readonly latestId?: string;
};

export type StoredSetting = { readonly value: string };
