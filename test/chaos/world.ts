import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalGuild, GUILD_ID } from "../../src/local/local-guild.ts";
import { AGENT_IDS } from "../support/core.ts";
import { type Supervisor, startSupervisor } from "../support/supervisor.ts";
import { type Behaviour, startCountingGateway } from "./agents.ts";

type Message = { id: string; content: string; attachments: { filename: string; url: string }[] };

/** Everything that outlives the supervisor: eight gateways, a guild, a folder. */
export async function createWorld(
  folder: string,
  given: {
    readonly behaviour?: Behaviour;
    readonly concurrency?: number;
    /** The ledger's database; a file without one. */
    readonly database?: string;
    /** Supervisors on other machines reach guild and gateways at this address, and agents hand in to them over REST. */
    readonly network?: {
      readonly address: string;
      readonly publicUrl: string;
      readonly allowedHosts: readonly string[];
    };
  } = {},
) {
  const home = join(folder, "home");
  const config = join(folder, "config");
  mkdirSync(config, { recursive: true });
  const { network } = given;
  const gateways = await Promise.all(
    AGENT_IDS.map((id, index) =>
      startCountingGateway(id, index % 2 === 0 ? "now" : "feb", given.behaviour, network?.address),
    ),
  );
  const agents = gateways.map(
    ({ agent, url }) =>
      `  ${agent}: { url: "${url}", concurrency: ${given.concurrency ?? 16}, browser_ports: false${network ? ", insecure: true, handoff_via: rest" : ""} }`,
  );
  writeFileSync(join(config, "agents.yaml"), `agents:\n${agents.join("\n")}\n`);
  writeFileSync(
    join(config, "hq.yaml"),
    `delegation: { ambiguous_grace: 1s }\napi: ${JSON.stringify({
      rate_per_minute: 1_000_000,
      ...(network
        ? { host: "0.0.0.0", public_url: network.publicUrl, allowed_hosts: network.allowedHosts }
        : {}),
    })}\n`,
  );
  writeFileSync(
    join(config, "acl.yaml"),
    "people:\n  roles:\n    - { role: Operators, rights: [delegate, any-agent, operate, read] }\n",
  );
  const guild = await createLocalGuild({
    port: 0,
    rates: false,
    ...(network ? { host: network.address } : {}),
  });
  await guild.start();
  const env = {
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    DISCORD_TOKEN: "chaos-bot-token",
    GUILD_ID,
    DISCORD_API: guild.restApi,
    OPENCLAW_GATEWAY_TOKEN: "chaos-hooks-token",
    ...(given.database ? { DATABASE_URL: given.database } : {}),
  };

  async function local(path: string, init: RequestInit = {}): Promise<any> {
    const response = await fetch(`${guild.url}/local${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** All messages of a channel as texts, attached files included. */
  async function texts(channel: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (let before = ""; ; ) {
      const page: Message[] = await local(
        `/channels/${channel}/messages?limit=100${before ? `&before=${before}` : ""}`,
      );
      for (const message of page) {
        const files = await Promise.all(
          message.attachments.map(async ({ url }) => (await fetch(url)).text()),
        );
        // A batch names its results in the message or in its file, and a worker's file is what it wrote.
        found.push([JSON.stringify(message), ...files].join("\n"));
      }
      const last = page.at(-1);
      if (!last || page.length < 100) return found;
      before = last.id;
    }
  }

  return {
    home,
    guild,
    gateways,
    env,
    /** Adds to hq.yaml, which is there before the first start. */
    configure: (yaml: string) => appendFileSync(join(config, "hq.yaml"), yaml),
    texts,
    start: (crashAt?: string) =>
      startSupervisor(home, { ...env, ...(crashAt ? { HQ_CRASH_AT: crashAt } : {}) }),
    /** A person's /delegate; resolves when the bot answered, failed to answer, or died. */
    async slash(agent: string, objective: string): Promise<string> {
      const interaction = await local("/commands", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ channel: "technical", name: "delegate", options: { agent, objective } }),
      });
      return interaction.id;
    },
    interaction: (id: string): Promise<{ state: string }> => local(`/interactions/${id}`),
    async stop() {
      await guild.stop();
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
export type { Supervisor };
