import { createHash } from "node:crypto";

/** Discord's permission bits that the local guild knows. */
export const P = {
  Administrator: 1n << 3n,
  ManageChannels: 1n << 4n,
  AddReactions: 1n << 6n,
  ViewChannel: 1n << 10n,
  SendMessages: 1n << 11n,
  ManageMessages: 1n << 13n,
  EmbedLinks: 1n << 14n,
  AttachFiles: 1n << 15n,
  ReadMessageHistory: 1n << 16n,
  MentionEveryone: 1n << 17n,
  UseApplicationCommands: 1n << 31n,
  ManageThreads: 1n << 34n,
  CreatePublicThreads: 1n << 35n,
  CreatePrivateThreads: 1n << 36n,
  SendMessagesInThreads: 1n << 38n,
} as const;

export const ALL_PERMISSIONS = Object.values(P).reduce((all, bit) => all | bit, 0n);

/** What the coordinator asks for when it is invited: the least that it needs. */
export const BOT_PERMISSIONS = 309_237_763_136n;

const EVERYONE =
  P.ViewChannel |
  P.SendMessages |
  P.SendMessagesInThreads |
  P.ReadMessageHistory |
  P.AddReactions |
  P.AttachFiles |
  P.EmbedLinks |
  P.CreatePublicThreads |
  P.UseApplicationCommands;

/** What a guild is made of at its first start. Names are unique; ids follow from the names unless given. */
export type Seed = {
  readonly id?: string;
  readonly name: string;
  readonly roles: readonly SeedRole[];
  readonly people: readonly SeedPerson[];
  readonly categories: readonly SeedCategory[];
  readonly bot?: SeedBot;
  readonly bots?: readonly SeedOtherBot[];
};

/** A bot of others: a program may post and react as it over `/local/*`, and be it with its token. */
export type SeedOtherBot = {
  readonly name: string;
  readonly roles?: readonly string[];
  /** Whoever says this token is this bot; any other token is the guild's own one. */
  readonly token?: string;
};

export type SeedRole = {
  readonly name: string;
  readonly color?: number;
  readonly permissions?: bigint;
  readonly mentionable?: boolean;
  readonly hoist?: boolean;
};

export type SeedPerson = {
  readonly name: string;
  readonly display: string;
  readonly roles: readonly string[];
  readonly owner?: boolean;
};

export type SeedCategory = { readonly name: string; readonly channels: readonly SeedChannel[] };

export type SeedChannel = {
  readonly name: string;
  readonly id?: string;
  readonly topic?: string;
  readonly overwrites?: readonly SeedOverwrite[];
};

/** `role` is a role's name, "@everyone", or "bot". */
export type SeedOverwrite = { readonly role: string; readonly allow?: bigint; readonly deny?: bigint };

export type SeedBot = {
  readonly name?: string;
  /** The permissions of the bot's own role. */
  readonly permissions?: bigint;
  /** Whether the Message Content intent is switched on for the application; default true. */
  readonly messageContent?: boolean;
};

export const GUILD_ID = "1471858733452890132";

/** A stable id for a thing of the seed: what is added later does not move the ids of the rest. */
export function seedId(guildId: string, what: string): string {
  const spread = createHash("sha256").update(`${guildId}/${what}`).digest().readUInt32BE(0);
  return (BigInt(guildId) + 1n + BigInt(spread)).toString();
}

const channel = (name: string, topic: string): SeedChannel => ({ name, topic });

export const ATOMIZER_HQ: Seed = {
  id: GUILD_ID,
  name: "Atomizer-HQ",
  roles: [
    {
      name: "Operators",
      color: 0xe67e22,
      permissions: P.ManageMessages | P.ManageThreads | P.MentionEveryone,
      mentionable: true,
      hoist: true,
    },
    { name: "Engineering", color: 0x3498db, mentionable: true, hoist: true },
  ],
  people: [
    { name: "you", display: "You", roles: ["Operators"], owner: true },
    { name: "ada", display: "Ada", roles: ["Engineering"] },
    { name: "guest", display: "Guest", roles: [] },
  ],
  categories: [
    {
      name: "📋 COMMAND",
      channels: [
        {
          name: "ceo-office",
          topic: "Private: the operators and the coordinator",
          overwrites: [
            { role: "@everyone", deny: P.ViewChannel },
            { role: "Operators", allow: P.ViewChannel },
            { role: "bot", allow: P.ViewChannel },
          ],
        },
        {
          name: "announcements",
          topic: "For everyone to read",
          overwrites: [
            { role: "@everyone", deny: P.SendMessages },
            { role: "Operators", allow: P.SendMessages },
            { role: "bot", allow: P.SendMessages },
          ],
        },
        channel("daily-standup", "What happened, what is next, what is in the way"),
      ],
    },
    {
      name: "🔧 ENGINEERING",
      channels: [
        channel("technical", "Technical questions and decisions"),
        channel("code-review", "Scripts and models under review"),
        channel("fea-analysis", "Finite element models and results"),
        channel("nx-cad", "NX, CAD and Simcenter"),
      ],
    },
    {
      name: "📊 OPERATIONS",
      channels: [
        channel("task-board", "What is open, and who has it"),
        channel("meeting-notes", "Notes and decisions of meetings"),
        channel("reports", "Finished reports"),
      ],
    },
    {
      name: "🔬 RESEARCH",
      channels: [
        channel("literature", "Papers and what they say"),
        channel("materials-data", "Properties of materials, with sources"),
      ],
    },
    { name: "🏗️ PROJECTS", channels: [channel("active-projects", "Where each project stands")] },
    {
      name: "📚 KNOWLEDGE",
      channels: [
        channel("knowledge-base", "What we know"),
        channel("lessons-learned", "What we would do differently"),
      ],
    },
    {
      name: "🤖 SYSTEM",
      channels: [
        channel("agent-logs", "One line for each delegation"),
        channel("inter-agent", "Agents among themselves"),
        channel("it-ops", "The cluster's health"),
      ],
    },
    {
      name: "🧰 QUEUE",
      channels: [
        channel("task-queue", "Post a task here; a tick means that it was taken"),
        channel("results", "What was handed back"),
        channel("worker-pool", "Workers that start and finish"),
      ],
    },
  ],
};

export const EVERYONE_PERMISSIONS = EVERYONE;
