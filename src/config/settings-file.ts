import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { isLoopback } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import type { Settings } from "../domain/settings.ts";
import type { channelsSchema } from "./channels-schema.ts";
import { expandPath } from "./fields.ts";
import type { hqSchema } from "./hq-schema.ts";
import { doubtsAboutModels, toModels } from "./models-file.ts";
import { problemAt } from "./problems.ts";
import { toRetention } from "./retention-schema.ts";
import { doubtsAboutTaskQueue, toTaskQueue } from "./task-queue-file.ts";
import type { WorkerWishes } from "./worker-env.ts";
import type { YamlSource } from "./yaml-source.ts";

export function toSettings(from: {
  readonly hq: z.output<typeof hqSchema>;
  readonly channels: z.output<typeof channelsSchema>;
  /** An agent's id for its id or another word for it. */
  readonly find: (word: string) => string | undefined;
  readonly wishes: WorkerWishes;
  /** The configuration folder. */
  readonly dir: string;
  readonly home: string;
  readonly base: { readonly installation: string; readonly userHome?: string };
}): Settings {
  const { delegation, handoffs, workflows, cluster, logs, discord, api } = from.hq;
  const path = (text: string | undefined, ...absent: string[]) =>
    text === undefined ? join(from.home, ...absent) : expandPath(text, from.base);
  return {
    ...(from.hq.database === undefined ? {} : { database: from.hq.database }),
    takeOverMs: from.hq.members.take_over_after,
    delegation: {
      timeoutMs: delegation.timeout,
      startWithinMs: delegation.start_within,
      retries: delegation.retries,
      slotGraceMs: delegation.slot_grace,
      ambiguousGraceMs: delegation.ambiguous_grace,
      maxDepth: delegation.max_depth,
      contextMessages: delegation.context_messages,
    },
    handoffs: {
      dir: path(handoffs.dir, "handoffs"),
      keepInPlace: handoffs.keep_in_place,
      maxBytes: handoffs.max_bytes,
      quietMs: handoffs.quiet,
      scanMs: handoffs.scan,
      sweepMs: handoffs.sweep,
      polling: handoffs.polling,
      uploadMax: handoffs.upload_max,
      uploadMaxTotal: handoffs.upload_max_total,
    },
    taskQueue: toTaskQueue({ ...from, written: from.hq.task_queue }),
    models: toModels(from.hq),
    workflows: { dir: expandPath(workflows.dir ?? "workflows", from.base) },
    cluster: {
      // Not in the state folder: it holds what agents remember, and outlives a fresh start.
      dir:
        cluster.dir === undefined ? join(dirname(from.dir), "cluster") : expandPath(cluster.dir, from.base),
      command: cluster.command,
      restartMs: cluster.restart_after,
      startLimit: cluster.start_limit,
      stopGraceMs: cluster.stop_grace,
      logMax: cluster.log_max,
    },
    agents: { healthEveryMs: from.hq.agents.health_every },
    logs: {
      dir: path(logs.dir, "logs", "orchestration"),
      ...(logs.project_log === false ? {} : { projectLog: path(logs.project_log, "project_log.md") }),
      level: logs.level,
    },
    ...toRetention(from.hq.retention),
    channels: {
      roles: from.channels.roles,
      ids: from.channels.ids,
      contextable: from.channels.contextable,
    },
    discord: {
      batchAbove: discord.batch_above,
      cardEditMs: discord.card_edit,
      mirror: discord.mirror,
      ...(discord.interactions_endpoint
        ? { interactionsByHttp: discord.public_key === undefined ? {} : { publicKey: discord.public_key } }
        : {}),
    },
    api: {
      host: api.host,
      ...(api.public_url === undefined ? {} : { publicUrl: new URL(api.public_url).origin }),
      allowedHosts: api.allowed_hosts,
      bodyLimit: api.body_limit,
      ratePerMinute: api.rate_per_minute,
    },
  };
}

/** Allowed, and worth a word. */
export function doubtsAboutSettings(
  hq: z.output<typeof hqSchema>,
  source: YamlSource,
  base: Parameters<typeof expandPath>[1],
): readonly ConfigProblem[] {
  const doubts = [...doubtsAboutTaskQueue(hq.task_queue, source), ...doubtsAboutModels(hq, source)];
  const { dir } = hq.workflows;
  if (dir !== undefined && !existsSync(expandPath(dir, base)))
    doubts.push(
      problemAt(source, ["workflows", "dir"], "is not there, so there are no workflows", {
        suggestion: `make ${expandPath(dir, base)}, or correct the path`,
      }),
    );
  if (isLoopback(hq.api.host)) return doubts;
  return [
    ...doubts,
    problemAt(source, ["api", "host"], "makes REST reachable from other machines, without encryption", {
      suggestion: "keep 127.0.0.1 and put a proxy with TLS before it",
    }),
  ];
}

/** An address that others reach is only opened for names that are answered there: every other request is refused. */
export function checkSettings(
  { api, handoffs }: z.output<typeof hqSchema>,
  source: YamlSource,
): readonly ConfigProblem[] {
  const found: ConfigProblem[] = [];
  if (!isLoopback(api.host) && api.allowed_hosts.length === 0 && api.public_url === undefined)
    found.push(
      problemAt(source, ["api", "host"], "is reachable from other machines, and answers to no name there", {
        suggestion:
          "add api.public_url, or the names and addresses by which it is asked to api.allowed_hosts; or keep 127.0.0.1",
      }),
    );
  if (handoffs.upload_max_total < handoffs.upload_max)
    found.push(
      problemAt(source, ["handoffs", "upload_max_total"], "is less than upload_max, which is for one file", {
        suggestion: `use ${handoffs.upload_max} or more`,
      }),
    );
  return found;
}
