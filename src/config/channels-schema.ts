import { z } from "zod";
import type { ChannelRole } from "../domain/effects.ts";
import { channelName, SNOWFLAKE } from "./fields.ts";

const role = (name: string, what: string) => channelName.default(name).describe(`${what} Default ${name}.`);

/** config/channels.yaml: which channel of the guild is what. */
export const channelsSchema = z.strictObject({
  roles: z
    .strictObject({
      results: role("results", "Results in full."),
      agentLogs: role("agent-logs", "One line for each settled delegation."),
      itOps: role("it-ops", "How the agents are; agentLogs where the guild has no such channel."),
      taskQueue: role("task-queue", "Where tasks are posted."),
      workerPool: role("worker-pool", "What workers say; agentLogs where the guild has no such channel."),
      interAgent: role("inter-agent", "The mirror of delegations between agents."),
      approvals: role("ceo-office", "Where people are asked to approve."),
    } satisfies Record<ChannelRole, z.ZodType>)
    .prefault({}),
  ids: z
    .record(channelName, z.string().regex(SNOWFLAKE, "must be a channel's id of 17 to 20 digits"))
    .default({})
    .describe("Channel name → id. `hq setup` writes it; names of the guild work without being listed."),
  contextable: z
    .array(channelName)
    .default(["*"])
    .describe('Channels that may be read as context; ["*"] = all that the bot sees.'),
});
