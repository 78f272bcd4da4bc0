import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readEnvFile } from "../config/env-file.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Io } from "./io.ts";

/** Where an installation keeps its state, and where its config lies. Absolute paths. */
export type Home = { readonly home: string; readonly config: string };

/**
 * `HQ_HOME`; else `.hq` beside the nearest config/hq.yaml above the working directory; else the installation's own. For
 * the installation's own its `.env` counts as well, below the environment.
 */
export function findHome({ env, cwd, installation }: Pick<Io, "env" | "cwd" | "installation">): Home {
  const folder = (base: string, said: string) => resolve(base, fromUserHome(said, env.HOME));
  const root = rootAbove(cwd);
  const config = env.HQ_CONFIG ? folder(cwd, env.HQ_CONFIG) : join(root ?? installation, "config");
  if (root !== undefined && root !== installation)
    return { home: env.HQ_HOME ? folder(cwd, env.HQ_HOME) : join(root, ".hq"), config };
  const kept = readEnvFile(join(installation, ".env"));
  const keptHome = kept.HQ_HOME ? folder(installation, kept.HQ_HOME) : join(installation, ".hq");
  return {
    home: env.HQ_HOME ? folder(cwd, env.HQ_HOME) : keptHome,
    config: env.HQ_CONFIG || !kept.HQ_CONFIG ? config : folder(installation, kept.HQ_CONFIG),
  };
}

/** `~` and what lies under it; a shell knows it, a file of variables or of systemd does not. */
function fromUserHome(said: string, userHome: string | undefined): string {
  return userHome && /^~(?:\/|$)/.test(said) ? join(userHome, said.slice(1)) : said;
}

function rootAbove(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "config", "hq.yaml"))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** What proves who asks: the token of the run an agent works on, its own, else the operator's key. */
export type Credential = {
  readonly key: string;
  /** Where it came from, and where the right one is, for whoever gave a wrong one. */
  readonly from: string;
  readonly right: string;
};

export function credentialOf(
  { env, installation }: Pick<Io, "env" | "installation">,
  { home }: Home,
): Credential {
  const path = join(home, "api.key");
  for (const from of ["HQ_RUN_TOKEN", "HQ_AGENT_TOKEN", "ORCHESTRATOR_API_KEY"] as const) {
    const key = env[from];
    if (key) return { key, from, right: rightOne(from, path) };
  }
  const file = join(installation, ".env");
  const key = readEnvFile(file).ORCHESTRATOR_API_KEY;
  if (key) return { key, from: file, right: rightOne("ORCHESTRATOR_API_KEY", path) };
  if (existsSync(path)) {
    return { key: readFileSync(path, "utf8").trim(), from: path, right: rightOne("api.key", path) };
  }
  throw new Refusal("unauthenticated", "There is no key for the supervisor.", {
    hint: `Set ORCHESTRATOR_API_KEY, or HQ_AGENT_TOKEN for an agent; the operator's key lies in ${path}.`,
  });
}

function rightOne(
  kind: "HQ_RUN_TOKEN" | "HQ_AGENT_TOKEN" | "ORCHESTRATOR_API_KEY" | "api.key",
  path: string,
): string {
  switch (kind) {
    case "HQ_RUN_TOKEN":
      return "The token of a run stands in the prompt of its agent; whoever is no agent leaves it out.";
    case "HQ_AGENT_TOKEN":
      return "`hq agents key <id>`, without that variable, prints an agent's token.";
    case "ORCHESTRATOR_API_KEY":
      return `The right one is the ORCHESTRATOR_API_KEY with which the supervisor was started, else the content of ${path}.`;
    case "api.key":
      return "The supervisor was started with an ORCHESTRATOR_API_KEY: set that one here, too.";
  }
}
