import { createAgents } from "../../agents/agents.ts";
import { DEFAULT_TOKEN_ENV } from "../../config/agents-schema.ts";
import type { AgentCard } from "../../domain/agent-card.ts";
import type { Config } from "../../domain/config.ts";
import type { AgentHealth } from "../../engine/ports/agents.ts";
import type { Log } from "../../engine/ports/log.ts";
import { counted } from "../../kernel/text.ts";
import { type Finding, fail, ok, skip } from "./finding.ts";

type Env = Readonly<Record<string, string | undefined>>;

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Asks each gateway how it is, all at once, and looks whether its token is set. */
export async function checkAgents(options: {
  readonly config: Config;
  readonly env: Env;
  readonly version: string;
  readonly now: () => number;
  /** The sample agents stand in: they start and end with the supervisor. */
  readonly samples: boolean | undefined;
}): Promise<readonly Finding[]> {
  const cards = options.config.registry.agents;
  const ports = ok("ports", `${counted(cards.length, "agent")}, at least 4 apart on each host`);
  if (options.samples)
    return [
      ports,
      skip("agents", "the sample agents are used (HQ_AGENTS=config uses those of config/agents.yaml)"),
    ];
  if (cards.length === 0)
    return [fail("agents", "there is no agent to ask", "add some to config/agents.yaml")];
  const { env, now, version } = options;
  const agents = createAgents({ now, version, log: SILENT, secret: (name) => env[name] });
  try {
    const health = await Promise.all(cards.map((card) => agents.probe(askable(card, env))));
    return [ports, ...cards.map((card, index) => judge(card, health[index], env))];
  } finally {
    await agents.close();
  }
}

/** A gateway says how it is to anyone: without its token it is asked all the same. */
function askable(card: AgentCard, env: Env): AgentCard {
  const { tokenEnv, ...open } = card;
  return tokenEnv && env[tokenEnv] ? card : open;
}

function judge(card: AgentCard, health: AgentHealth | undefined, env: Env): Finding {
  const id = `agent ${card.id}`;
  const { state = "unknown", text = "" } = health ?? {};
  if (state === "unauthorized") return fail(id, text, `correct ${card.tokenEnv ?? "its token"} in .env`);
  if (state !== "up") {
    const mend = `start its gateway, or correct port or url of ${card.id} in config/agents.yaml`;
    return fail(id, `${card.url} does not answer (${text})`, mend);
  }
  const name = card.tokenEnv ?? DEFAULT_TOKEN_ENV;
  if (!env[name]) return fail(id, `${card.url} answers, and ${name} is not set`, `write ${name}=… into .env`);
  return ok(id, `${card.url} answers: ${text}`);
}
