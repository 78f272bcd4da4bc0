import type { Command } from "commander";
import type { AgentStatus } from "../engine/verbs.ts";
import { oneLine } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";
import { instant, jsonText, table } from "./print.ts";

export function registerAgents(program: Command, hq: Hq): void {
  const { io } = hq;
  const agents = program.command("agents").description("the agents of the registry");

  agents
    .command("list", { isDefault: true })
    .description("all agents, how they are and what they do")
    .option("--json", "print JSON")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const { items } = await hq
          .client()
          .ask<{ readonly items: readonly AgentStatus[] }>({ path: "/agents" });
        io.out(options.json ? `${jsonText(items)}\n` : agentTable(items));
        return 0;
      }),
    );

  agents
    .command("show")
    .description("one agent, after asking its gateway")
    .argument("<id>", "id, alias or letter")
    .option("--json", "print JSON")
    .action((id: string, options: { json?: true }) =>
      hq.run(async () => {
        const agent = await hq
          .client()
          .ask<AgentStatus>({ path: `/agents/${encodeURIComponent(id)}?probe=true` });
        io.out(options.json ? `${jsonText(agent)}\n` : describe(agent));
        return 0;
      }),
    );

  agents
    .command("key")
    .description(
      "the token by which an agent proves who it is: put it into its environment as HQ_AGENT_TOKEN",
    )
    .argument("<id>", "id, alias or letter")
    .option("--json", "print JSON")
    .action((id: string, options: { json?: true }) =>
      hq.run(async () => {
        const key = await hq.client().ask<{ readonly agent: string; readonly token: string }>({
          method: "POST",
          path: `/agents/${encodeURIComponent(id)}/key`,
          isRepeatable: true,
        });
        io.out(options.json ? `${jsonText(key)}\n` : `${key.token}\n`);
        io.err(`Whoever has this token is ${key.agent}: keep it out of logs and chats.\n`);
        return 0;
      }),
    );
}

function agentTable(items: readonly AgentStatus[]): string {
  const rows = items.map(({ card, health, queued, running }) => [
    card.id,
    card.letter ?? "–",
    health.state,
    String(running),
    String(queued),
    card.capabilities.join(", "),
  ]);
  return table([["ID", "LETTER", "STATE", "RUNNING", "QUEUED", "CAPABILITIES"], ...rows]);
}

function describe({ card, health, queued, running, lastHandoffAt }: AgentStatus): string {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["id", card.id],
    ["name", card.name],
    ["letter", card.letter],
    ["aliases", card.aliases.join(", ")],
    ["state", `${health.state}: ${health.text} (asked ${instant(health.checkedAt)})`],
    ["address", `${card.url}${card.hooksPath}`],
    ["token from", card.tokenEnv],
    ["capabilities", card.capabilities.join(", ")],
    ["skills", card.skills.join(", ")],
    ["model", card.model],
    ["note", card.note],
    ["workspace", card.workspace],
    ["channel", card.channel],
    ["hands in by", card.handoffVia],
    ["at once", String(card.concurrency)],
    ["running", String(running)],
    ["queued", String(queued)],
    ["last handoff", instant(lastHandoffAt)],
    ["sample", card.sample ? "yes" : undefined],
  ];
  return rows
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name.padEnd(13)} ${oneLine(value ?? "", 400)}\n`)
    .join("");
}
