import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AgentCard } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import type { Settings } from "../domain/settings.ts";
import { problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

const WHY = "what lies in a handoff folder is taken for a handoff and moved away";

/** Folders with files of ours, or of whoever set them up, in which no handoffs may lie: the ledger itself would be moved. */
export function checkHandoffPlaces(from: {
  readonly settings: Settings;
  readonly agents: readonly Pick<AgentCard, "id" | "handoffDir">[];
  readonly place: { readonly dir: string; readonly installation: string; readonly home: string };
  readonly hq: YamlSource;
  readonly registry: YamlSource;
}): readonly ConfigProblem[] {
  const { handoffs, logs, workflows } = from.settings;
  const { home, dir, installation } = from.place;
  const shared = [handoffs.dir, join(handoffs.dir, "sub")];
  const ours: readonly (readonly [string, string])[] = [
    [home, "HQ_HOME"],
    [join(home, "logs"), "the folder of the logs in HQ_HOME"],
    [dir, "the folder of the configuration"],
    [installation, "the installation"],
  ];
  const named: readonly (readonly [string, readonly [string, string]])[] = [
    [logs.dir, ["logs", "dir"]],
    ...(logs.projectLog === undefined ? [] : [[dirname(logs.projectLog), ["logs", "project_log"]] as const]),
    [workflows.dir, ["workflows", "dir"]],
  ];
  const found: ConfigProblem[] = [];
  for (const [path, what] of ours) {
    const message = `is ${what}: ${WHY}`;
    const more = { suggestion: "name a folder of its own" };
    if (shared.some((folder) => isSame(folder, path)))
      found.push(problemAt(from.hq, ["handoffs", "dir"], message, more));
    for (const { id, handoffDir } of from.agents)
      if (handoffDir !== undefined && isSame(handoffDir, path))
        found.push(problemAt(from.registry, ["agents", id, "handoff_dir"], message, more));
  }
  if (found.length > 0) return found;
  for (const [path, setting] of named) {
    if (!shared.some((folder) => isSame(folder, path))) continue;
    const more = { suggestion: "name another folder" };
    found.push(problemAt(from.hq, setting, `lies in the folder of handoffs: ${WHY}`, more));
  }
  return found;
}

const realOf = (path: string) => (existsSync(path) ? realpathSync(path) : path);

const isSame = (one: string, other: string) => realOf(one) === realOf(other);
