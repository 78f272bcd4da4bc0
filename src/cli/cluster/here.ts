import { existsSync, realpathSync } from "node:fs";
import { type InstancePlace, placeOf } from "../../agents/cluster/place.ts";
import { loadConfig } from "../../config/load.ts";
import { renderProblems } from "../../config/render-problems.ts";
import type { AgentCard } from "../../domain/agent-card.ts";
import { readInstances } from "../../domain/instances.ts";
import type { ClusterSettings } from "../../domain/settings.ts";
import { Refusal } from "../../kernel/refusal.ts";
import { type Installation, readInstallation } from "../installation.ts";
import type { Io } from "../io.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** An agent whose gateway is this machine's to run. */
export type Instance = {
  readonly id: string;
  readonly card: AgentCard;
  readonly port: number;
  readonly place: InstancePlace;
  readonly workspace: string;
};

export type Cluster = {
  readonly here: Installation;
  readonly settings: ClusterSettings;
  /** Where instances/ is; the real path when it is there. */
  readonly dir: string;
  readonly instances: readonly Instance[];
  /** Agents that were not named and live elsewhere. */
  readonly elsewhere: readonly string[];
};

/** The configuration and the agents that words mean; without words all of this machine. */
export function readCluster(io: Io, words: readonly string[]): Cluster {
  const here = readInstallation(io);
  const loaded = loadConfig(here.place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", "The configuration is not valid.", {
      hint: renderProblems(loaded.problems, io.cwd),
    });
  }
  const { registry, settings } = loaded.config;
  const cards = words.length === 0 ? registry.agents : readInstances(registry, words);
  const strangers = cards.filter((card) => !isHere(card));
  if (strangers.length > 0 && words.length > 0) {
    throw new Refusal("invalid_input", `${idsOf(strangers)} runs on another machine.`, {
      hint: "Run `hq cluster` there; here are those whose address in config/agents.yaml is 127.0.0.1.",
    });
  }
  const dir = realOf(settings.cluster.dir);
  const instances = cards.filter(isHere).map((card) => ({
    id: card.id,
    card,
    port: Number(new URL(card.url).port || 80),
    place: placeOf(dir, card.id),
    workspace: card.workspace ?? `${dir}/workspaces/${card.id}`,
  }));
  if (instances.length === 0) {
    throw new Refusal("invalid_input", "No agent of config/agents.yaml runs on this machine.", {
      hint: "Give one a port there.",
    });
  }
  return { here, settings: settings.cluster, dir, instances, elsewhere: strangers.map(({ id }) => id) };
}

/** Processes are told by the real path of their folder. */
export const realOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path);

const isHere = ({ url }: AgentCard) => LOOPBACK.includes(new URL(url).hostname);
const idsOf = (cards: readonly AgentCard[]) => cards.map(({ id }) => id).join(", ");
