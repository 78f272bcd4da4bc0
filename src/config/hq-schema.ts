import { z } from "zod";
import { clusterSchema } from "./cluster-schema.ts";
import { duration, hours, minutes, pathText, seconds, size } from "./fields.ts";
import { modelsSchema } from "./models-schema.ts";
import { retentionSchema } from "./retention-schema.ts";
import { taskQueueSchema } from "./task-queue-schema.ts";

const MIB = 1024 * 1024;

/** config/hq.yaml: how this installation behaves. Every key has a default. */
export const hqSchema = z.strictObject({
  database: z
    .string()
    .regex(
      /^postgres(ql)?:\/\//,
      "must be an address such as postgres://hq@db.example/hq?sslmode=verify-full",
    )
    .optional()
    .describe(
      "The PostgreSQL database for the ledger, without a password; DATABASE_URL wins. Default: a file in HQ_HOME.",
    ),
  members: z
    .strictObject({
      take_over_after: duration({ minMs: seconds(15), maxMs: hours(168) })
        .prefault("2m")
        .describe("When others take what belongs to the files and workers of one that is gone. Default 2m."),
    })
    .prefault({})
    .describe("Several supervisors on one database."),
  delegation: z
    .strictObject({
      timeout: duration({ minMs: seconds(1), maxMs: hours(48) })
        .prefault("300s")
        .describe("How long one attempt may take, counted from the agent's acknowledgment. Default 300s."),
      start_within: duration({ minMs: seconds(1), maxMs: hours(168) })
        .prefault("1h")
        .describe("How long a delegation may wait for a free or living agent. Default 1h."),
      retries: z
        .int()
        .min(0)
        .max(3)
        .default(1)
        .describe("Further attempts after a failed one, 0 to 3. Default 1."),
      slot_grace: duration({ minMs: 0, maxMs: hours(1) })
        .prefault("30s")
        .describe("An agent's place is held this long past an attempt's deadline. Default 30s."),
      ambiguous_grace: duration({ minMs: seconds(1), maxMs: hours(1) })
        .prefault("60s")
        .describe(
          "How long a dispatch with an unknown outcome is watched before it is sent again. Default 60s.",
        ),
      max_depth: z
        .int()
        .min(1)
        .max(5)
        .default(2)
        .describe("How deep delegations may begin delegations. Default 2."),
      context_messages: z
        .int()
        .min(1)
        .max(30)
        .default(20)
        .describe("Messages read for --channel-context, 1 to 30. Default 20."),
    })
    .prefault({}),
  handoffs: z
    .strictObject({
      dir: pathText.optional().describe("Where agents write handoffs. Default: handoffs in HQ_HOME."),
      keep_in_place: z
        .boolean()
        .default(false)
        .describe("Leave settled files (a hard link) where they were written, for old tools. Default false."),
      max_bytes: size({ min: 1024, max: 64 * MIB })
        .prefault("1MiB")
        .describe("Larger handoffs are refused. Default 1MiB."),
      quiet: duration({ minMs: 100, maxMs: minutes(10) })
        .prefault("5s")
        .describe("A file that does not parse and has been quiet this long is set aside. Default 5s."),
      scan: duration({ minMs: 100, maxMs: minutes(5) })
        .prefault("1s")
        .describe("How often the awaited files are looked for, beside watching. Default 1s."),
      sweep: duration({ minMs: seconds(1), maxMs: hours(1) })
        .prefault("30s")
        .describe("How often the whole folder is read. Default 30s."),
      upload_max: size({ min: 1024, max: 1024 * MIB })
        .prefault("10MiB")
        .describe("Larger files are not taken from agents that hand in over REST. Default 10MiB."),
      upload_max_total: size({ min: 1024, max: 4096 * MIB })
        .prefault("50MiB")
        .describe("What the files of one attempt may have together. Default 50MiB."),
      polling: z
        .boolean()
        .default(false)
        .describe("For network file systems: scans only, no watching. Default false."),
    })
    .prefault({}),
  task_queue: taskQueueSchema,
  models: modelsSchema,
  workflows: z
    .strictObject({
      dir: pathText
        .optional()
        .describe("Where workflows and their schemas are. Default: workflows in the installation."),
    })
    .prefault({}),
  cluster: clusterSchema,
  agents: z
    .strictObject({
      health_every: duration({ minMs: seconds(5), maxMs: hours(1) })
        .prefault("60s")
        .describe("How often each agent is asked how it is, 5s to 1h. Default 60s."),
    })
    .prefault({}),
  logs: z
    .strictObject({
      dir: pathText.optional().describe("One line for each attempt. Default: logs/orchestration in HQ_HOME."),
      project_log: z
        .union([pathText, z.literal(false)], { error: "must be a path, or false for none" })
        .optional()
        .describe(
          "One line for each completed delegation; false = none. Default: project_log.md in HQ_HOME.",
        ),
      level: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    })
    .prefault({}),
  retention: retentionSchema,
  discord: z
    .strictObject({
      batch_above: z
        .int()
        .min(1)
        .max(1000)
        .default(8)
        .describe("More results than this for one channel at once become one message. Default 8."),
      card_edit: duration({ minMs: seconds(1), maxMs: minutes(5) })
        .prefault("2s")
        .describe("At least this long between two edits of one card. Default 2s."),
      mirror: z
        .boolean()
        .default(false)
        .describe("Show delegations that did not begin in Discord in the interAgent channel. Default false."),
      interactions_endpoint: z
        .boolean()
        .default(false)
        .describe(
          "Answer commands, buttons and forms that Discord sends to POST /discord/interactions. Default false.",
        ),
      public_key: z
        .string()
        .regex(/^[0-9a-fA-F]{64}$/, "must be the application's public key: 64 hexadecimal characters")
        .optional()
        .describe("The application's public key. Default: Discord is asked for it once."),
    })
    .prefault({}),
  api: z
    .strictObject({
      host: z
        .string()
        .regex(/^[A-Za-z0-9.:_-]+$/, "must be an address to listen on, such as 127.0.0.1")
        .default("127.0.0.1")
        .describe("The address REST and the page listen on. Default 127.0.0.1."),
      public_url: z
        .string()
        .max(300)
        .regex(/^https?:\/\/[^\s/?#@]+$/, "must be an address without a path, such as https://hq.example.org")
        .optional()
        .describe("By which agents on other machines reach REST, usually a proxy with TLS. Default: none."),
      allowed_hosts: z
        .array(
          z
            .string()
            .regex(/^[A-Za-z0-9.[\]:_-]+$/, "must be a host name, without http:// and without a path"),
        )
        .max(50)
        .default([])
        .describe("Further Host headers that are answered, beside the loopback names."),
      body_limit: size({ min: 1024, max: 64 * MIB })
        .prefault("1MiB")
        .describe("Larger requests are refused. Default 1MiB."),
      rate_per_minute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(6000)
        .describe("Requests a minute for each client. Default 6000."),
    })
    .prefault({}),
});
