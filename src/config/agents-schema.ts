import { z } from "zod";
import { agentId, channelName, envName, pathText } from "./fields.ts";

export const DEFAULT_TOKEN_ENV = "OPENCLAW_GATEWAY_TOKEN";
export const DEFAULT_HOOKS_PATH = "/hooks/agent";

const hooksPath = z.string().regex(/^\/[A-Za-z0-9/_.~-]{0,199}$/, "must be a path that begins with /");
const word = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/, "must be one word of letters, digits, dots and dashes");
const tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, "must be small letters, digits and dashes, such as materials");
const concurrency = z.int().min(1).max(64);

export const agentSchema = z.strictObject({
  letter: z
    .string()
    .regex(/^[A-Z]$/, "must be one letter from A to Z")
    .optional()
    .describe("Short name; the cluster's agents are A to H in port order."),
  name: z.string().min(1).max(80).optional().describe("How people see it. Default: made from the id."),
  aliases: z.array(word).max(20).default([]).describe("Other words for the same agent."),
  port: z.int().min(1).max(65535).optional().describe("Its gateway's port on 127.0.0.1; or give url."),
  url: z.string().max(300).optional().describe("Its gateway's address without a path; or give port."),
  host: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "must be the name of a machine, as `hostname` says it")
    .optional()
    .describe(
      "Where supervisors on several machines share a database: the machine on which alone it is reached, for one with a port. Default: from each.",
    ),
  ca_file: pathText
    .optional()
    .describe("Certificates (PEM) by which its https is believed, in place of those of this machine."),
  insecure: z
    .boolean()
    .optional()
    .describe("Allows http to another machine: token and prompts can be read on the way. Default false."),
  hooks_path: hooksPath.optional().describe(`The hook. Default ${DEFAULT_HOOKS_PATH}.`),
  token_env: envName
    .optional()
    .describe(`NAME of the variable with its hooks token. Default ${DEFAULT_TOKEN_ENV}.`),
  capabilities: z.array(tag).max(50).default([]).describe("What it can do, for routing."),
  skills: z.array(tag).max(50).default([]).describe("Skill contracts it holds."),
  cost: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("What it costs beside the others; the cheaper of equally free ones is chosen. Default 1."),
  role: z.string().min(1).max(400).optional().describe("One sentence; the first line of its prompts."),
  model: z.string().max(120).optional().describe("Information only."),
  note: z.string().max(400).optional().describe("Information only."),
  heartbeat: z.boolean().optional().describe("Whether its gateway's heartbeat is on. Information only."),
  workspace: pathText.optional().describe("Its folder; files inside it may be attached to results."),
  writable: z
    .boolean()
    .optional()
    .describe(
      "Whether proposals that people accept are written into SOUL.md and TOOLS.md of its workspace. Default false: the agent gets them.",
    ),
  reads: z
    .array(pathText)
    .max(50)
    .optional()
    .describe(
      "Folders that it can read besides its workspace: long results of workflow steps are read there.",
    ),
  channel: channelName.optional().describe("Its home channel, a name or an id."),
  handoff_dir: pathText.optional().describe("Where it writes handoffs when not in the shared folder."),
  handoff_via: z
    .enum(["file", "rest"])
    .default("file")
    .describe("How it gives work back: a file, or a POST with the run's token. Default file."),
  sessions: z
    .boolean()
    .optional()
    .describe(
      "Whether its gateway keeps sessions (hooks.allowRequestSessionKey). Default false: each turn brings the earlier ones along.",
    ),
  concurrency: concurrency.optional().describe("Delegations at once; the rest waits. Default 1."),
  browser_ports: z
    .boolean()
    .default(true)
    .describe("Its gateway also uses port+2 and port+3, so that others keep 4 apart. Default true."),
});

/** config/agents.yaml: who can be asked. New agents need no code. */
export const agentsSchema = z.strictObject({
  defaults: z
    .strictObject({
      hooks_path: hooksPath.default(DEFAULT_HOOKS_PATH),
      token_env: envName.default(DEFAULT_TOKEN_ENV),
      concurrency: concurrency.default(1),
    })
    .prefault({})
    .describe("What holds for every agent that does not say otherwise."),
  agents: z.record(agentId, agentSchema).describe("Each agent by its id."),
});

export type AgentEntry = z.output<typeof agentSchema>;
export type AgentsFile = z.output<typeof agentsSchema>;
