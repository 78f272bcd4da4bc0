import type { Command } from "commander";
import type { AgentStatus } from "../engine/verbs.ts";
import { oneLine } from "../kernel/text.ts";
import type { Hq } from "./hq.ts";
import { instant, jsonText, table } from "./print.ts";

type Change = { readonly reason?: string; readonly json?: true };

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

  const change = (verb: "drain" | "resume", id: string, options: Change) =>
    hq.run(async () => {
      const agent = await hq.client().ask<AgentStatus>({
        method: "POST",
        path: `/agents/${encodeURIComponent(id)}/${verb}`,
        isRepeatable: true,
        ...(options.reason === undefined ? {} : { body: { reason: options.reason } }),
      });
      io.out(options.json ? `${jsonText(agent)}\n` : `${changedText(verb, agent)}\n`);
      return 0;
    });

  agents
    .command("drain")
    .description("send an agent nothing new until it is resumed; what it has goes on, what comes waits")
    .argument("<id>", "id, alias or letter")
    .option("--reason <text>", "why, for those who read of it")
    .option("--json", "print JSON")
    .action((id: string, options: Change) => change("drain", id, options));

  agents
    .command("resume")
    .description("give an agent new work again")
    .argument("<id>", "id, alias or letter")
    .option("--json", "print JSON")
    .action((id: string, options: Change) => change("resume", id, options));

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

function changedText(verb: "drain" | "resume", { card, queued, running }: AgentStatus): string {
  if (verb === "resume") return `${card.id} gets new work again; ${queued} waiting.`;
  return `${card.id} gets no new work until \`hq agents resume ${card.id}\`; ${running} running goes on, ${queued} waiting.`;
}

/** `up`, `draining, unsteady`: what counts first, and what else is to be known. */
function stateWord({ state, draining, unsteady }: AgentStatus): string {
  const more = [...(draining && state !== "draining" ? ["draining"] : []), ...(unsteady ? ["unsteady"] : [])];
  return [state === "unauthorized" ? "blocked (401)" : state, ...more].join(", ");
}

function agentTable(items: readonly AgentStatus[]): string {
  const rows = items.map((agent) => [
    agent.card.id,
    agent.card.letter ?? "–",
    stateWord(agent),
    instant(agent.since),
    String(agent.running),
    String(agent.queued),
    instant(agent.lastHandoffAt),
    agent.card.model ?? "–",
    agent.card.capabilities.join(", "),
  ]);
  const head = [
    "ID",
    "LETTER",
    "STATE",
    "SINCE",
    "RUNNING",
    "QUEUED",
    "LAST HANDOFF",
    "MODEL",
    "CAPABILITIES",
  ];
  return table([head, ...rows], 160);
}

function describe(agent: AgentStatus): string {
  const { card, health, since, draining, queued, running, lastHandoffAt } = agent;
  const why = draining?.reason === undefined ? "" : `: ${draining.reason}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["id", card.id],
    ["name", card.name],
    ["letter", card.letter],
    ["aliases", card.aliases.join(", ")],
    ["state", `${stateWord(agent)} since ${instant(since)}`],
    ["drained", draining && `${instant(draining.at)} by ${draining.by}${why}`],
    ["gateway", `${health.state}: ${health.text} (asked ${instant(health.checkedAt)})`],
    ["to mend", toMend(agent)],
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

function toMend({ card, state, draining }: AgentStatus): string | undefined {
  if (state === "down") return "start its gateway, or correct its url; its work waits";
  if (state === "unauthorized") {
    return `set ${card.tokenEnv ?? "its token_env"} to the hooks token of its gateway and restart; or save config/agents.yaml to try again`;
  }
  return draining ? `hq agents resume ${card.id} gives it work again` : undefined;
}
