type Env = Readonly<Record<string, string | undefined>>;

export type BotToken = {
  readonly token: string;
  /** The variable it came from. */
  readonly variable: string;
  /** What to tell the operator about an old name. */
  readonly notice?: string;
};

/** The bot's token; the newest name wins. Undefined when none is set: then the local guild is used. */
export function botTokenFrom(env: Env): BotToken | undefined {
  for (const variable of ["DISCORD_TOKEN", "ORCHESTRATOR_AGENT_TOKEN", "CHIP_TOKEN"]) {
    const token = env[variable]?.trim();
    if (!token) continue;
    if (variable !== "CHIP_TOKEN") return { token, variable };
    return { token, variable, notice: "CHIP_TOKEN is an old name: rename it to DISCORD_TOKEN in .env" };
  }
  return undefined;
}
