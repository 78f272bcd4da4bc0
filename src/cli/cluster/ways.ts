import { existsSync } from "node:fs";
import { MARK, markOf } from "../../agents/cluster/environment.ts";
import { look, type Standing } from "../../agents/cluster/instance.ts";
import { portHolders } from "../../agents/cluster/port-holders.ts";
import { createSystemd, type Systemd } from "../../agents/cluster/systemd.ts";
import { canSeeProcesses, createHunt } from "../../agents/workers/processes.ts";
import { Refusal } from "../../kernel/refusal.ts";
import type { Io } from "../io.ts";
import type { Cluster, Instance } from "./here.ts";

/** Who runs an instance: the user's systemd, or a keeper of ours. */
export type Way = "systemd" | "keeper";
export type Ways = { readonly systemd: Systemd; readonly of: (instance: Instance) => Way };

const ANSWERS_WITHIN_MS = 2000;

/** An instance that a keeper runs stays with it until it is stopped; the others go to systemd where it has our unit. */
export async function findWays(io: Io): Promise<Ways> {
  const systemd = createSystemd(io.env);
  const trouble = await systemd.trouble();
  const hasUnit = trouble === undefined && (await systemd.isInstalled());
  if (!hasUnit && !canSeeProcesses()) {
    throw new Refusal("invalid_input", "This system does not tell of its processes, so none could be kept.", {
      hint: "`hq cluster` needs Linux with /proc, or systemd --user.",
    });
  }
  return {
    systemd,
    of(instance) {
      if (hasUnit) return isKept(look(instance.place)) ? "keeper" : "systemd";
      const [pid] = createHunt((mark) => mark === markOf("systemd", instance.place.folder), MARK)();
      if (pid === undefined) return "keeper";
      throw new Refusal(
        "invalid_input",
        `${instance.id} runs under systemd (process ${pid.pid}), which cannot be asked from here: ${trouble ?? "its unit is gone"}.`,
        { hint: "Log in as that user, or set XDG_RUNTIME_DIR=/run/user/<uid>." },
      );
    },
  };
}

const isKept = ({ state }: Standing) => state !== "stopped" && state !== "failed";

/** Those that have been made; without words the others are passed over. */
export function madeInstances(cluster: Cluster, words: readonly string[]): readonly Instance[] {
  const made = cluster.instances.filter(isMade);
  const missing = cluster.instances.filter((one) => !isMade(one)).map(({ id }) => id);
  if (missing.length === 0 || (words.length === 0 && made.length > 0)) return made;
  throw new Refusal("invalid_input", `There is no instance of ${missing.join(", ")} in ${cluster.dir}.`, {
    hint: `Make it first: hq cluster init ${words.length === 0 ? "" : missing.join(" ")}`.trim(),
  });
}

export const isMade = ({ place }: Instance): boolean => existsSync(place.env);

/** Whether a gateway answers at its address and is not still starting; the older ones know no such path. */
export async function answers(instance: Instance): Promise<boolean> {
  try {
    const answer = await fetch(`${instance.card.url}/startupz`, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
      redirect: "manual",
    });
    await answer.body?.cancel();
    return answer.status !== 503;
  } catch {
    // Nobody listens, or whoever does is silent: both mean not yet.
    return false;
  }
}

/** The processes that have the instance's port and are not of it. */
export function strangersOn({ port }: Instance, pids: readonly number[]): readonly number[] {
  const holders = portHolders(port);
  return holders.some((pid) => pids.includes(pid)) ? [] : holders;
}
