/** What the registry says of an agent. */
export type AgentCard = {
  readonly id: string;
  readonly name: string;
  /** A–H in port order; other installations may have more or none. */
  readonly letter?: string;
  readonly aliases: readonly string[];
  /** Base address of its gateway, without a path: `http://127.0.0.1:18828`. */
  readonly url: string;
  /** Name of the machine on which alone it is reached, where supervisors on several machines share a ledger. Absent = from any. */
  readonly host?: string;
  /** The certificates by which its https is believed, in place of those of this machine. Absolute. */
  readonly caFile?: string;
  /** Path of the hook, `/hooks/agent` unless a mapped hook is used. */
  readonly hooksPath: string;
  /** Name of the environment variable that holds the hooks token. */
  readonly tokenEnv?: string;
  readonly capabilities: readonly string[];
  readonly skills: readonly string[];
  /** What a delegation to it costs beside the others; among equally free ones the cheaper is chosen. Absent = 1. */
  readonly cost?: number;
  /** One sentence: who the agent is; the first line of its prompts. */
  readonly role: string;
  /** Information only. */
  readonly model?: string;
  readonly note?: string;
  /** Whether its gateway's heartbeat is on; information only. */
  readonly heartbeat?: boolean;
  /** Its own folder; artifacts inside it may be attached to results. Absolute. */
  readonly workspace?: string;
  /** What people accept is written into files of its workspace; absent = the agent does that itself. */
  readonly writable?: boolean;
  /** Folders that it can read besides its workspace. Absolute. */
  readonly reads?: readonly string[];
  /** Its home channel, a name or an id. */
  readonly channel?: string;
  /** Where it writes handoffs when not in the shared folder. Absolute. */
  readonly handoffDir?: string;
  /** How it gives work back: a file, or a POST to the supervisor with the run's token. */
  readonly handoffVia: "file" | "rest";
  /** Whether its gateway keeps sessions of ours; otherwise each turn brings the earlier ones along. Absent = no. */
  readonly sessions?: boolean;
  /** Delegations it works on at once; the rest waits, first in first out. */
  readonly concurrency: number;
  /** One of the samples that ship with the product. */
  readonly sample: boolean;
};

export type Registry = {
  readonly agents: readonly AgentCard[];
  /** By id, alias or letter, any case; undefined when unknown. */
  readonly find: (word: string) => AgentCard | undefined;
  /** Those with a capability or skill, any case, in the registry's order. */
  readonly able: (capability: string) => readonly AgentCard[];
  /** Every capability and skill, in order. */
  readonly capabilities: readonly string[];
};

const key = (word: string) => word.trim().toLowerCase();

/** Whether two words name the same agent in every registry. */
export const isSameName = (word: string, other: string) => key(word) === key(other);

export function createRegistry(agents: readonly AgentCard[]): Registry {
  const byWord = new Map<string, AgentCard>();
  for (const agent of agents) {
    for (const word of [agent.id, ...agent.aliases, ...(agent.letter ? [agent.letter] : [])]) {
      byWord.set(key(word), agent);
    }
  }
  const byCapability = new Map<string, AgentCard[]>();
  const words = new Set<string>();
  for (const agent of agents) {
    for (const word of [...agent.capabilities, ...agent.skills]) {
      words.add(word);
      const able = byCapability.get(key(word));
      if (!able) byCapability.set(key(word), [agent]);
      else if (able.at(-1) !== agent) able.push(agent);
    }
  }
  return {
    agents,
    find: (word) => byWord.get(key(word)),
    able: (capability) => byCapability.get(key(capability)) ?? [],
    capabilities: [...words].toSorted(),
  };
}

/** Whether it works on another machine, or as if it did: its gateway is not on this one, or it writes no files for us. */
export function isElsewhere({ url, handoffVia }: Pick<AgentCard, "url" | "handoffVia">): boolean {
  return handoffVia === "rest" || !isLoopback(URL.parse(url)?.hostname ?? "");
}

/** Whether it is reached from a machine of this name. */
export function isNear(card: Pick<AgentCard, "host">, host: string): boolean {
  return card.host === undefined || card.host.toLowerCase() === host.toLowerCase();
}

/** Whether a host name or address, as it stands in an address, is this machine for sure. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Whether an agent can read a file where it lies; absolute paths. */
export function canRead({ workspace, reads = [] }: AgentCard, file: string): boolean {
  return [...(workspace === undefined ? [] : [workspace]), ...reads].some((folder) =>
    file.startsWith(folder.endsWith("/") ? folder : `${folder}/`),
  );
}

/** Whom examples ask: webster where there is one, else the first. */
export function exampleAgent(agents: readonly { readonly id: string }[]): string | undefined {
  return (agents.find(({ id }) => id === "webster") ?? agents[0])?.id;
}

/** Whom a request could have named. */
export function agentsThere(names: readonly string[]): string {
  return names.length > 0
    ? `The agents are ${names.join(", ")}.`
    : "No agent is configured: add one to config/agents.yaml.";
}
