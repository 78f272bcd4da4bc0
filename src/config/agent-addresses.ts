import type { z } from "zod";
import { isLoopback } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import type { AgentEntry } from "./agents-schema.ts";
import type { hqSchema } from "./hq-schema.ts";
import { problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

type Entries = Readonly<Record<string, AgentEntry>>;

/** What of the way to an agent is refused: http that others can read, and certificates for what has none. */
export function checkTransport(id: string, entry: AgentEntry, source: YamlSource): readonly ConfigProblem[] {
  const url = URL.parse(entry.url ?? "http://127.0.0.1");
  if (!url) return [];
  if (isOpen(url) && entry.insecure !== true)
    return [
      problemAt(source, ["agents", id, "url"], "shows the token and every prompt to whoever is on the way", {
        suggestion: "use https:// (with ca_file for certificates of your own), or add insecure: true",
      }),
    ];
  if (entry.ca_file === undefined || url.protocol === "https:") return [];
  return [
    problemAt(source, ["agents", id, "ca_file"], "is for https, and this address is not", {
      suggestion: "use url: https://…, or take ca_file out",
    }),
  ];
}

/** Allowed, and worth a word: what is not encrypted, and agents that could give nothing back. */
export function doubtsAboutAddresses(
  entries: Entries,
  source: YamlSource,
  { api }: Pick<z.output<typeof hqSchema>, "api">,
): readonly ConfigProblem[] {
  const isReached = api.public_url !== undefined || !isLoopback(api.host);
  return Object.entries(entries).flatMap(([id, entry]) => {
    const url = URL.parse(entry.url ?? "");
    if (!url || isLoopback(url.hostname)) return [];
    const doubt = (key: string, message: string, suggestion: string) =>
      problemAt(source, ["agents", id, key], message, { suggestion });
    const doubts: ConfigProblem[] = [];
    if (isOpen(url))
      doubts.push(
        doubt("insecure", "the token and every prompt go over the network as they are", "use https://"),
      );
    if (entry.handoff_via === "rest" && !isReached)
      doubts.push(
        doubt(
          "handoff_via",
          "the prompt would name 127.0.0.1, which is another machine there",
          "set api.public_url in hq.yaml to the address by which it reaches this one",
        ),
      );
    if (entry.handoff_via === "file" && entry.handoff_dir === undefined)
      doubts.push(
        doubt(
          "url",
          "it is on another machine, and is told to write its handoff into the folder of this one",
          "add handoff_via: rest; or handoff_dir, a folder that both machines have under the same path",
        ),
      );
    return doubts;
  });
}

function isOpen(url: URL): boolean {
  return url.protocol === "http:" && !isLoopback(url.hostname);
}
