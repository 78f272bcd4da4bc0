import type { ChannelRole } from "./effects.ts";
import type { ModelRule } from "./model-choice.ts";
import type { TaskQueueSettings } from "./task-settings.ts";

/** What this installation is, after the checks and with every default filled in. Spans in ms, sizes in bytes, paths absolute. */
export type Settings = {
  /** The PostgreSQL database that holds the ledger; absent = a file in HQ_HOME. */
  readonly database?: string;
  /** When others take what belongs to the files and processes of a member that is gone. */
  readonly takeOverMs: number;
  readonly delegation: {
    readonly timeoutMs: number;
    readonly startWithinMs: number;
    readonly retries: number;
    /** Capacity is held this long past an attempt's deadline. */
    readonly slotGraceMs: number;
    /** How long an ambiguous dispatch is watched before the same attempt is sent again to a gateway that cannot tell. */
    readonly ambiguousGraceMs: number;
    readonly maxDepth: number;
    readonly contextMessages: number;
  };
  readonly handoffs: {
    readonly dir: string;
    readonly keepInPlace: boolean;
    readonly maxBytes: number;
    /** A file that does not parse and has been quiet for this long is set aside. */
    readonly quietMs: number;
    readonly scanMs: number;
    readonly sweepMs: number;
    /** Of a file that is handed in over REST, and of all of an attempt. */
    readonly uploadMax: number;
    readonly uploadMaxTotal: number;
    /** For network file systems: no watching, scans only. */
    readonly polling: boolean;
  };
  readonly taskQueue: TaskQueueSettings;
  /** What `model: cheapest` chooses from, in the order of the file. */
  readonly models: readonly ModelRule[];
  /** Where workflows/*.yaml and their schemas are. */
  readonly workflows: { readonly dir: string };
  readonly cluster: ClusterSettings;
  /** How often each agent is asked how it is. */
  readonly agents: { readonly healthEveryMs: number };
  readonly logs: { readonly dir: string; readonly projectLog?: string; readonly level: string };
  /** When what ended long ago is taken out by itself; absent = never. */
  readonly retention?: Retention;
  readonly channels: {
    /** Logical channel → name or id in the guild. */
    readonly roles: Readonly<Partial<Record<ChannelRole, string>>>;
    /** Names people use in commands → id; names of the guild work without being listed. */
    readonly ids: Readonly<Record<string, string>>;
    /** Which channels may be read as context; `*` = all that the bot sees. */
    readonly contextable: readonly string[];
  };
  readonly discord: {
    /** More finished results than this for one channel at once become one message with a file. */
    readonly batchAbove: number;
    /** At least this long between two edits of one card. */
    readonly cardEditMs: number;
    /** Delegations that did not come from Discord have their card in the interAgent channel. */
    readonly mirror: boolean;
    /** Interactions may also come by HTTP; absent = not. Without a key Discord is asked for it once. */
    readonly interactionsByHttp?: { readonly publicKey?: string };
  };
  readonly api: {
    readonly host: string;
    /** By which agents on other machines reach it: `https://hq.example.org`. */
    readonly publicUrl?: string;
    readonly allowedHosts: readonly string[];
    readonly bodyLimit: number;
    readonly ratePerMinute: number;
  };
};

/** The gateways that are made and run here. */
export type ClusterSettings = {
  /** Holds instances/ and shared.env. */
  readonly dir: string;
  /** A program and its arguments. */
  readonly command: readonly string[];
  readonly restartMs: number;
  /** After this many starts within a minute a gateway is left alone. */
  readonly startLimit: number;
  /** How long a gateway may finish its turn when it is stopped. */
  readonly stopGraceMs: number;
  readonly logMax: number;
};

export type Retention = {
  readonly olderThanMs?: number;
  readonly keepBytes?: number;
  /** Minutes after midnight, in the time of this machine. */
  readonly atMinute: number;
};
