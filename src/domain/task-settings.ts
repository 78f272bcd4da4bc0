/** US dollars for 1,000 tokens. */
export type ModelPrice = { readonly inputUsd: number; readonly outputUsd: number };

/** How one kind of worker is started: what `[worker:]` names. Spans in ms, paths absolute. */
export type WorkerKind = {
  /** A program and its arguments, with placeholders (`WORKER_PLACEHOLDERS`); never given to a shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** When thinking is high. */
  readonly timeoutHighMs: number;
  /** Names of variables that are handed on from our environment, beside HOME, PATH and the language. */
  readonly env: readonly string[];
  /** Variables with a value of their own. */
  readonly set: Readonly<Record<string, string>>;
  /** The text that becomes AGENTS.md and TOOLS.md; absent = those that are built in. */
  readonly agentsMd?: string;
  readonly toolsMd?: string;
};

/** What an argument of a worker's command may hold, as `{session}`. */
export const WORKER_PLACEHOLDERS = ["session", "folder", "thinking", "message", "model"] as const;
export type WorkerPlaceholder = (typeof WORKER_PLACEHOLDERS)[number];

/** The kind of worker that is taken when no tag names one. */
export const STANDARD_WORKER = "standard";

export type WorkerSettings = {
  /** Wanted by the configuration, and authors are named; or the sample workers stand in. */
  readonly enabled: boolean;
  /** By name; `standard` is always there. */
  readonly kinds: Readonly<Record<string, WorkerKind>>;
  /** Where the workers' folders are. */
  readonly dir: string;
  /** How long the folder of a success is kept; 0 = it goes at the next pruning. Failures are kept. */
  readonly retentionMs: number;
  /** Characters of a summary. */
  readonly summaryMax: number;
  /** Bytes of agent-output.log. */
  readonly logMax: number;
};

export type TaskQueueSettings = {
  /** Who does a task that names nobody. */
  readonly agent: string;
  readonly executor: "agent" | "worker";
  /** An edit within this time after posting is still seen. */
  readonly graceMs: number;
  /** Tasks, and worker processes, at once. */
  readonly maxAtOnce: number;
  /** Role names or ids, user ids, ids of other bots. Roles and users both empty: whoever may delegate (acl.yaml). */
  readonly authors: {
    readonly roles: readonly string[];
    readonly users: readonly string[];
    readonly bots: readonly string[];
  };
  /** A bot's post that came over more bots than this is refused. */
  readonly hops: number;
  /** Workers are told to write English only. */
  readonly englishOnly: boolean;
  /** What `[model:]` may name → the model's name as its provider knows it. */
  readonly models: Readonly<Record<string, string>>;
  /** Names that begin so are models too, as they are. */
  readonly modelPrefixes: readonly string[];
  /** One of `models`. */
  readonly defaultModel: string;
  /** By the model's full name. */
  readonly prices: Readonly<Record<string, ModelPrice>>;
  readonly worker: WorkerSettings;
};

/**
 * The model that a word names: an alias, a full name, the last part of one (`kimi-k2.5`), or whatever begins with an
 * allowed prefix. `alias` is the word of the configuration where there is one. Undefined = no such model.
 */
export function findModel(
  queue: Pick<TaskQueueSettings, "models" | "modelPrefixes">,
  word: string,
): { readonly alias: string; readonly model: string } | undefined {
  const wanted = word.trim().toLowerCase();
  const entries = Object.entries(queue.models);
  const found =
    entries.find(([alias]) => alias.toLowerCase() === wanted) ??
    entries.find(([, model]) => model.toLowerCase() === wanted) ??
    entries.find(([, model]) => model.toLowerCase().split("/").at(-1) === wanted);
  if (found) return { alias: found[0], model: found[1] };
  const isAllowed =
    MODEL_NAME.test(wanted) &&
    queue.modelPrefixes.some((prefix) => wanted.startsWith(prefix.toLowerCase()) && wanted !== prefix);
  return isAllowed ? { alias: word.trim(), model: word.trim() } : undefined;
}

/** A model's name as providers write it: it becomes an argument or a variable of a process. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$/;

/** What the tokens cost; undefined when the model has no price. A price without the provider in front holds too. */
export function costOf(
  prices: TaskQueueSettings["prices"],
  model: string,
  tokens: { readonly input: number; readonly output: number },
): number | undefined {
  const name = [model, model.split("/").slice(1).join("/")].find((each) => Object.hasOwn(prices, each));
  const price = name === undefined ? undefined : prices[name];
  if (!price) return undefined;
  return (tokens.input * price.inputUsd + tokens.output * price.outputUsd) / 1000;
}
