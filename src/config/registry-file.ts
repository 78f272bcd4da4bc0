import type { AgentCard } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import { checkTransport } from "./agent-addresses.ts";
import type { AgentEntry, AgentsFile } from "./agents-schema.ts";
import { expandPath } from "./fields.ts";
import { problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

/** Words that mean who asks, never an agent. */
const RESERVED = ["operator", "person", "system"];
/** A gateway uses its port and the browser's two and three above it. */
const PORT_SPACING = 4;

type Base = { readonly installation: string; readonly userHome?: string };
type Entries = Readonly<Record<string, AgentEntry>>;

export function toCards(file: AgentsFile, base: Base): readonly AgentCard[] {
  return Object.entries(file.agents).map(([id, entry]) => {
    const path = (text: string | undefined) => (text === undefined ? undefined : expandPath(text, base));
    return {
      id,
      name: entry.name ?? titleOf(id),
      aliases: entry.aliases,
      url: addressOf(entry)?.origin ?? "",
      hooksPath: entry.hooks_path ?? file.defaults.hooks_path,
      tokenEnv: entry.token_env ?? file.defaults.token_env,
      capabilities: entry.capabilities,
      skills: entry.skills,
      role: entry.role ?? `You are ${titleOf(id)}.`,
      handoffVia: entry.handoff_via,
      concurrency: entry.concurrency ?? file.defaults.concurrency,
      sample: false,
      ...present({
        letter: entry.letter,
        cost: entry.cost,
        model: entry.model,
        note: entry.note,
        sessions: entry.sessions,
        heartbeat: entry.heartbeat,
        workspace: path(entry.workspace),
        writable: entry.writable,
        host: entry.host,
        caFile: path(entry.ca_file),
        reads: entry.reads?.map((folder) => expandPath(folder, base)),
        channel: entry.channel,
        handoffDir: path(entry.handoff_dir),
      }),
    };
  });
}

/** The fields that have a value. */
function present<Fields extends object>(fields: Fields): { [K in keyof Fields]?: NonNullable<Fields[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof Fields]?: NonNullable<Fields[K]>;
  };
}

function titleOf(id: string): string {
  return id
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
}

function addressOf(entry: AgentEntry): URL | undefined {
  const text = entry.url ?? (entry.port === undefined ? undefined : `http://127.0.0.1:${entry.port}`);
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}

/** What only shows when all agents are seen together, and addresses. */
export function checkAgents(entries: Entries, source: YamlSource): readonly ConfigProblem[] {
  return [
    ...Object.entries(entries).flatMap(([id, entry]) => checkAddress(id, entry, source)),
    ...Object.entries(entries).flatMap(([id, entry]) => checkWritable(id, entry, source)),
    ...checkWords(entries, source),
    ...checkPorts(entries, source),
  ];
}

function checkAddress(id: string, entry: AgentEntry, source: YamlSource): readonly ConfigProblem[] {
  const wrong = (key: string, message: string, suggestion?: string) => [
    problemAt(source, ["agents", id, key], message, { suggestion }),
  ];
  if (entry.port !== undefined && entry.url !== undefined)
    return wrong("url", "port and url say the same thing twice", "keep one of them");
  if (entry.url === undefined) {
    if (entry.port !== undefined) return checkTransport(id, entry, source);
    return [
      problemAt(source, ["agents", id], "has no address", { suggestion: "add port or url", part: "key" }),
    ];
  }
  if (!URL.canParse(entry.url)) return wrong("url", "is not an address", "write http://127.0.0.1:18800");
  const url = new URL(entry.url);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return wrong("url", `${url.protocol}// is not spoken here`, "use http:// or https://");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return wrong("url", "must end after the port", "put the path into hooks_path");
  return checkTransport(id, entry, source);
}

function checkWritable(id: string, { writable, workspace }: AgentEntry, source: YamlSource) {
  if (writable !== true || workspace !== undefined) return [];
  const suggestion = "add workspace, or take writable out";
  return [problemAt(source, ["agents", id, "writable"], "there is no workspace to write in", { suggestion })];
}

/** Ids, aliases and letters are one set of words: each names one agent. */
function checkWords(entries: Entries, source: YamlSource): readonly ConfigProblem[] {
  const owner = new Map<string, string>();
  const found: ConfigProblem[] = [];
  const claim = (word: string, id: string, path: readonly PropertyKey[], part: "key" | "value") => {
    const key = word.toLowerCase();
    const other = owner.get(key);
    if (RESERVED.includes(key)) {
      found.push(
        problemAt(source, path, `"${word}" is reserved: it says who asks`, {
          suggestion: "choose another word",
          part,
        }),
      );
    } else if (other !== undefined) {
      const message = other === id ? `"${word}" names ${id} already` : `"${word}" already means ${other}`;
      found.push(problemAt(source, path, message, { suggestion: "each word names one agent, once", part }));
    } else owner.set(key, id);
  };
  for (const id of Object.keys(entries)) claim(id, id, ["agents", id], "key");
  for (const [id, entry] of Object.entries(entries)) {
    for (const [index, alias] of entry.aliases.entries())
      claim(alias, id, ["agents", id, "aliases", index], "value");
    if (entry.letter) claim(entry.letter, id, ["agents", id, "letter"], "value");
  }
  return found;
}

function checkPorts(entries: Entries, source: YamlSource): readonly ConfigProblem[] {
  const placed = Object.entries(entries)
    .flatMap(([id, entry]) => {
      const url = addressOf(entry);
      if (!url) return [];
      const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
      return [{ id, entry, port, host: hostOf(url) }];
    })
    .sort((a, b) => (a.host === b.host ? a.port - b.port : a.host < b.host ? -1 : 1));
  return placed.flatMap((upper, index) => {
    const lower = placed[index - 1];
    if (!lower || lower.host !== upper.host) return [];
    const apart = upper.port - lower.port;
    if (apart >= (lower.entry.browser_ports ? PORT_SPACING : 1)) return [];
    const message =
      apart === 0
        ? `port ${upper.port} is ${lower.id}'s`
        : `port ${upper.port} is ${apart} from ${lower.id}'s ${lower.port}, and a gateway also uses its port + 2 and + 3`;
    const suggestion = `ports on one host are at least ${PORT_SPACING} apart: use ${lower.port + PORT_SPACING} or more`;
    const key = upper.entry.url === undefined ? "port" : "url";
    return [problemAt(source, ["agents", upper.id, key], message, { suggestion })];
  });
}

function hostOf(url: URL): string {
  return ["localhost", "[::1]"].includes(url.hostname) ? "127.0.0.1" : url.hostname;
}
