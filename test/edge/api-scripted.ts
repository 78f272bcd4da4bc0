import type { ApiParts } from "../../src/api/parts.ts";
import { type Api, createApi } from "../../src/api/server.ts";
import { DEFAULT_ACL, mayAsk } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { actorName, callerOf } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Draining } from "../../src/domain/agent-types.ts";
import type { DelegationStatus } from "../../src/domain/delegation-types.ts";
import { isSettled } from "../../src/domain/delegation-types.ts";
import type { Settings } from "../../src/domain/settings.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import { createAclVerbs } from "../../src/engine/acl-verbs.ts";
import { permit } from "../../src/engine/ownership.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import type { Log } from "../../src/engine/ports/log.ts";
import type { AgentStatus, DelegateRequest, Verbs } from "../../src/engine/verbs.ts";
import { canonicalJson, digestOf, sign } from "../../src/kernel/id.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { SCRIPTED_BATCHES } from "./api-scripted-batches.ts";
import { createScriptedMetrics } from "./api-scripted-metrics.ts";
import { createScriptedOrchestrator } from "./api-scripted-orchestrator.ts";
import { createScriptedRuns } from "./api-scripted-runs.ts";
import { createScriptedTasks, cursor } from "./api-scripted-tasks.ts";
import { scriptedViews } from "./api-scripted-views.ts";
import { createScriptedWork } from "./api-scripted-work.ts";

export const OPERATOR_KEY = "operator-key-for-tests";
export const agentToken = (id: string) => sign("secret-for-tests", id);
export const API_SETTINGS: Settings["api"] = {
  host: "127.0.0.1",
  allowedHosts: [],
  bodyLimit: 64 * 1024,
  ratePerMinute: 10_000,
};

const registry = createRegistry(
  ["manager", "tech-lead", "webster"].map((id, i) => ({
    id,
    name: id,
    letter: "ABC".charAt(i),
    aliases: id === "tech-lead" ? ["technical-lead"] : [],
    url: `http://127.0.0.1:${18800 + 4 * i}`,
    hooksPath: "/hooks/agent",
    capabilities: ["research"],
    skills: [],
    role: `You are ${id}.`,
    ...(id === "webster" ? { channel: "123456789012345678" } : {}),
    handoffVia: "file" as const,
    concurrency: 1,
    sample: true,
  })),
);

/** The verbs without an engine: a delegation stays queued until the test settles it. */
export function createScriptedVerbs() {
  const views = new Map<string, DelegationView>();
  const keys = new Map<string, { id: string; digest: string }>();
  const handedIn = new Map<string, string>();
  const events: StoredEvent[] = [];
  const listeners = new Set<(events: readonly StoredEvent[]) => void>();
  const requests: { actor: Actor; request: DelegateRequest }[] = [];
  const state = { ready: true, broken: false, warnings: [] as readonly string[] };
  const drained = new Map<string, Draining>();

  function record(stream: string, type: string, body: unknown, actor = "system"): void {
    const version = events.filter((event) => event.stream === stream).length + 1;
    const position = events.length + 1;
    const event = {
      position,
      stream,
      version,
      at: 1000 + position,
      type,
      schema: 1,
      body,
      cause: "test",
      actor,
    };
    events.push(event);
    for (const listener of listeners) listener([event]);
  }

  function statusOf(word: string): AgentStatus {
    const card = registry.find(word);
    if (!card) throw new Refusal("unknown_agent", `There is no agent ${word}.`, { hint: "hq agents list" });
    const health = { state: "up", text: "answers", checkedAt: 5, since: 1 } as const;
    const draining = drained.get(card.id);
    const state = draining ? "draining" : "up";
    return { card, health, queued: 0, running: 0, state, since: 1, ...(draining ? { draining } : {}) };
  }

  function viewFor(id: string): DelegationView {
    const view = views.get(id);
    if (!view)
      throw new Refusal("not_found", `There is no delegation ${id}.`, { hint: "hq status lists them." });
    return view;
  }

  function change(id: string, more: Partial<DelegationView>, type = "delegation.settled"): DelegationView {
    const view = { ...viewFor(id), ...more };
    views.set(id, view);
    record(id, type, more);
    return view;
  }

  function watch(listener: (events: readonly StoredEvent[]) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  const runs = createScriptedRuns({ record, watch });
  const tasks = createScriptedTasks({ record, watch });
  const orchestrator = createScriptedOrchestrator();
  const figures = createScriptedMetrics();

  const verbs: Verbs = {
    async delegate(actor, request) {
      requests.push({ actor, request });
      if (state.broken) throw new Error("the disk said secret-detail");
      const { card } = statusOf(request.agent ?? "webster");
      const answer = mayAsk(DEFAULT_ACL, actor, card.id);
      if (!answer.allowed)
        throw new Refusal("not_allowed", answer.text, { hint: "Ask manager or tech-lead." });
      const { key, runId, ...content } = request;
      const digest = digestOf(canonicalJson(content));
      const known = keys.get(key ? `${key.scope}/${key.key}` : "") ?? keys.get(`run/${runId}`);
      if (known && known.digest !== digest)
        throw new Refusal("key_reused", "That key was used for other work.");
      if (known) return { delegation: viewFor(known.id), repeated: true };
      const id = runId ?? `orch-${String(views.size + 1).padStart(4, "0")}`;
      if (key) keys.set(`${key.scope}/${key.key}`, { id, digest });
      keys.set(`run/${id}`, { id, digest });
      views.set(id, {
        id,
        status: "queued",
        agent: card.id,
        caller: callerOf(actor),
        asker: actorName(actor),
        objective: request.objective,
        attempt: 1,
        maxAttempts: (request.retries ?? 1) + 1,
        timeoutMs: request.timeoutMs ?? 300_000,
        queuedAt: 1000,
        problems: [],
        deliver: request.deliver ?? true,
        validate: request.validate ?? false,
        format: request.format ?? "json",
        origin: request.origin,
        attempts: [],
        ...(state.warnings.length > 0 ? { warnings: state.warnings } : {}),
      });
      record(id, "delegation.queued", { order: { id, objective: request.objective } }, callerOf(actor));
      return { delegation: viewFor(id), repeated: false };
    },
    async cancel(actor, id, reason) {
      if (isSettled(viewFor(id).status)) throw new Refusal("already_settled", `${id} is settled.`);
      return change(id, {
        status: "canceled",
        code: "canceled",
        reason: `${reason ?? "canceled"} (by ${callerOf(actor)})`,
        settledAt: 2000,
      });
    },
    delegation: async (id) => viewFor(id),
    async delegations({ status, agent, open, before, limit = 50 }) {
      const until = before === undefined ? undefined : cursor(before);
      const all = [...views.values()]
        .reverse()
        .filter((view) => !status || status.includes(view.status))
        .filter((view) => !agent || view.agent === agent)
        .filter((view) => open === undefined || open === !isSettled(view.status))
        .filter((view) => until === undefined || view.id < until);
      const items = all.slice(0, limit);
      const last = items.at(-1);
      return all.length > items.length && last ? { items, next: last.id } : { items };
    },
    async wait(id, { timeoutMs, signal }) {
      viewFor(id);
      await new Promise<void>((resolve) => {
        if (isSettled(viewFor(id).status) || signal?.aborted) return resolve();
        const timer = setTimeout(finish, timeoutMs ?? 60_000);
        const stop = verbs.watch(() => {
          if (isSettled(viewFor(id).status)) finish();
        });
        signal?.addEventListener("abort", finish, { once: true });
        function finish(): void {
          clearTimeout(timer);
          stop();
          resolve();
        }
      });
      return viewFor(id);
    },
    async history(id) {
      if (!events.some((event) => event.stream === id)) viewFor(id);
      return events.filter((event) => event.stream === id);
    },
    async wholeHistory(id) {
      await verbs.history(id);
      const isTold = ({ stream }: StoredEvent) => stream === id || stream.startsWith(`${id}/`);
      return { events: events.filter(isTold), upTo: events.at(-1)?.position ?? 0 };
    },
    async receipts(id) {
      if (!events.some((event) => event.stream === id)) viewFor(id);
      return [{ delivery: `${id}/result`, part: 0, nonce: "n", channel: "1", message: "2", postedAt: 3 }];
    },
    async trace(id) {
      const { status, queuedAt: askedAt, objective: title } = viewFor(id);
      const totals = { waitingMs: 1, workingMs: 2, peopleMs: 0, attempts: 1, messages: 0 };
      const lines = [{ at: askedAt, depth: 0, subject: id, what: "asked", text: "operator over REST" }];
      return {
        id,
        kind: "delegation",
        title,
        status,
        askedAt,
        lines,
        totals,
        children: [],
        untold: 0,
        omitted: 0,
      };
    },
    async handIn(runId, token, document, bytes) {
      const view = viewFor(runId);
      if (token !== `token-of-${runId}`)
        throw new Refusal("unauthenticated", "That token is not this run's.");
      const before = handedIn.get(runId);
      if (before !== undefined && before !== digestOf(bytes)) {
        throw new Refusal("handoff_changed", "Another handoff was accepted before.");
      }
      if (before !== undefined) return { delegation: view, repeated: true };
      const { result } = document as { result?: unknown };
      if (typeof result !== "string") {
        throw new Refusal("invalid_input", "result: must be text", {
          problems: [{ path: "result", message: "must be text" }],
        });
      }
      handedIn.set(runId, digestOf(bytes));
      return { delegation: settle(runId, "succeeded", result), repeated: false };
    },
    async upload(runId, token, name, sent) {
      viewFor(runId);
      if (token !== `token-of-${runId}`)
        throw new Refusal("unauthenticated", "That token is not this run's.");
      const parts: Uint8Array[] = [];
      for await (const part of sent.body) parts.push(part);
      const bytes = Buffer.concat(parts);
      const artifact = `${runId}/1/${name}`;
      return { runId, name, digest: digestOf(bytes), bytes: bytes.length, artifact, repeated: false };
    },
    async handoffs({ run }) {
      return [...handedIn]
        .filter(([id]) => !run || id === run)
        .map(([id, digest]) => ({
          at: 5,
          run: id,
          agent: "webster",
          verdict: "accepted" as const,
          path: "rest",
          attempt: 1,
          digest,
          problems: [],
        }));
    },
    agents: async () => registry.agents.map((card) => statusOf(card.id)),
    agent: async (word) => statusOf(word),
    async drainAgent(actor, word, reason) {
      permit(DEFAULT_ACL, actor, "drain");
      const { id } = statusOf(word).card;
      drained.set(id, { at: 1, by: actorName(actor), ...(reason === undefined ? {} : { reason }) });
      return statusOf(word);
    },
    async resumeAgent(actor, word) {
      permit(DEFAULT_ACL, actor, "drain");
      drained.delete(statusOf(word).card.id);
      return statusOf(word);
    },
    acl: createAclVerbs({
      acl: () => DEFAULT_ACL,
      people: () => ({ roles: [], users: [] }),
      registry: () => registry,
    }),
    async channelContext(channel, messages) {
      if (channel !== "technical") throw new Refusal("unknown_channel", `There is no channel ${channel}.`);
      return { channel, channelId: "1", messages, text: "[#technical] ada: \u001b[31mhi\u001b[0m" };
    },
    async health() {
      return {
        ready: state.ready,
        version: "0.0.0",
        mode: "local",
        startedAt: 1,
        checks: [{ name: "ledger", ok: state.ready, text: "writes" }],
      };
    },
    watch,
    eventsAfter: async (position, limit) => events.slice(position, position + limit),
    orchestrator: orchestrator.verbs,
    batches: SCRIPTED_BATCHES,
    metrics: figures.metrics,
    interactions: {
      note: async () => true,
      noted: async () => undefined,
      begin: async () => undefined,
      done: async () => undefined,
      unfinished: async () => [],
    },
    runs: runs.verbs,
    ...tasks.verbs,
    ...createScriptedWork(),
    views: scriptedViews({ delegation: viewFor, agent: statusOf }),
  };

  function settle(id: string, status: DelegationStatus, result?: string): DelegationView {
    const view = viewFor(id);
    return change(id, {
      status,
      settledAt: 9000,
      ...(result === undefined
        ? { reason: `${view.agent} did not do it`, code: "agent_failed" as const }
        : {
            handoff: {
              schemaVersion: "1.0",
              runId: id,
              agent: view.agent,
              status: status === "partial" ? "partial" : "complete",
              result,
              artifacts: [],
              confidence: "high",
              notes: "",
              timestamp: "2026-02-15T10:00:00Z",
              remarks: [],
            },
          }),
    });
  }

  return {
    verbs,
    runs,
    tasks,
    orchestrator,
    figures,
    state,
    requests,
    record,
    change,
    settle,
    /** Settles every delegation as soon as it is queued. */
    settleAll(status: DelegationStatus, result?: string) {
      verbs.watch((events) => {
        for (const { type, stream } of events)
          if (type === "delegation.queued") settle(stream, status, result);
      });
    },
    watchers: () => listeners.size,
  };
}

export type Scripted = ReturnType<typeof createScriptedVerbs>;

export const silentLog = (lines: { fields: object; message: string }[] = []): Log => {
  const note = (fields: object, message: string) => void lines.push({ fields, message });
  return { debug: note, info: note, warn: note, error: note };
};

/** A real door on a free port before scripted verbs. */
export async function openDoor(more: Partial<ApiParts> = {}) {
  const scripted = createScriptedVerbs();
  const lines: { fields: object; message: string }[] = [];
  const api: Api = createApi({
    verbs: scripted.verbs,
    actorFor(credential) {
      if (credential === OPERATOR_KEY) return { kind: "operator" };
      const agent = registry.agents.find(({ id }) => credential === agentToken(id));
      return agent ? { kind: "agent", id: agent.id } : undefined;
    },
    settings: () => API_SETTINGS,
    log: silentLog(lines),
    now: () => 1_700_000_000_000,
    version: "0.0.0",
    agentToken,
    ...more,
  });
  const url = await api.listen(0);
  const call = (path: string, init: RequestInit & { key?: string | undefined } = {}) => {
    const headers = new Headers(init.headers);
    const key = "key" in init ? init.key : OPERATOR_KEY;
    if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
    if (typeof init.body === "string" && !headers.has("content-type"))
      headers.set("content-type", "application/json");
    return fetch(`${url}/api/v1${path}`, { ...init, headers });
  };
  const post = (path: string, body: unknown, init: Parameters<typeof call>[1] = {}) =>
    call(path, { method: "POST", body: JSON.stringify(body), ...init });
  return { ...scripted, api, url, port: Number(new URL(url).port), call, post, lines };
}
