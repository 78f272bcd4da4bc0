import { type Acl, mayDelegate } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { LONGEST_TIMER_MS } from "../kernel/time.ts";
import { stateOf } from "./accept.ts";
import { createQueueVerbs, type QueueVerbsDeps } from "./create-queue-verbs.ts";
import { createTaskVerbs } from "./create-task-verbs.ts";
import { type Delegate, type DelegateDeps, findAgent } from "./delegate.ts";
import { createHandIn, listHandoffs } from "./hand-in.ts";
import type { Hold } from "./hold.ts";
import { createInteractions } from "./interactions.ts";
import { refuseForeign } from "./ownership.ts";
import type { AgentHealth } from "./ports/agents.ts";
import type { ArrivedHandoff } from "./ports/handoffs.ts";
import type { Ledger, StoredEvent } from "./ports/ledger.ts";
import type { Crash, Log } from "./ports/log.ts";
import type { Workers } from "./ports/workers.ts";
import type { RunVerbs } from "./run-verbs.ts";
import { createStopNow } from "./stop-now.ts";
import type { TaskWordsOf } from "./task-words.ts";
import type { AgentStatus, DelegationQuery, Health, Verbs } from "./verbs.ts";

const MOST_LISTED = 200;
const HISTORY_PAGE = 1000;

export type VerbsDeps = DelegateDeps & {
  readonly delegate: Delegate;
  readonly runs: RunVerbs;
  readonly words: TaskWordsOf;
  readonly workers: Workers;
  readonly hold: Hold;
  readonly isHandled: (message: string) => boolean;
  readonly queueChannel: QueueVerbsDeps["channel"];
  readonly receive: (arrived: ArrivedHandoff) => Promise<DelegationState | undefined>;
  readonly verifyToken: (token: string, run: string) => number | undefined;
  readonly acl: () => Acl;
  readonly health: () => Promise<Health>;
  readonly startedAt: number;
  readonly log: Log;
  readonly crash: Crash;
};

/** The verbs that every door calls, over one engine. */
export function createVerbs(deps: VerbsDeps): Verbs {
  const { engine, ledger, agents, registry, runs, hold, now } = deps;
  const tasks = createTaskVerbs(deps);

  async function stateOrRefuse(id: string): Promise<DelegationState> {
    const state = await engine.read("delegation", id);
    if (state) return state;
    throw new Refusal("not_found", `There is no delegation ${id}.`, {
      hint: "`hq status` lists the latest ones with their ids.",
    });
  }

  async function cancel(actor: Actor, id: string, reason?: string): Promise<DelegationView> {
    const before = await stateOrRefuse(id);
    refuseForeign(actor, before.order.actor, id, "cancel");
    if (before.status === "canceled") return viewOf(before);
    if (isSettled(before.status)) {
      throw new Refusal("already_settled", `${id} is already ${before.status}; there is nothing to cancel.`);
    }
    const input = { type: "cancel", at: now(), actor, ...(reason ? { reason } : {}) } as const;
    const { state } = await engine.accept({
      kind: "delegation",
      stream: id,
      input,
      cause: `cancel ${id}`,
      actor,
    });
    return viewOf(state ?? before);
  }

  async function delegations(query: DelegationQuery) {
    const limit = Math.max(1, Math.min(MOST_LISTED, query.limit ?? 50));
    const { items, next } = await ledger.list({ ...query, kind: "delegation", limit });
    return { items: items.map((loaded) => viewOf(stateOf("delegation", loaded))), ...(next ? { next } : {}) };
  }

  /** Resolves at the event that settles it; looks once before, so nothing is missed in between. */
  async function wait(id: string, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }) {
    await stateOrRefuse(id);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(finish, Math.min(options.timeoutMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS));
      const unwatch = engine.watch((events) => {
        if (events.some(({ type }) => type === "delegation.settled")) finish();
      }, id);
      function finish() {
        clearTimeout(timer);
        unwatch();
        options.signal?.removeEventListener("abort", finish);
        resolve();
      }
      options.signal?.addEventListener("abort", finish, { once: true });
      if (options.signal?.aborted) finish();
      void engine.read("delegation", id).then((state) => {
        if (state && isSettled(state.status)) finish();
      }, finish);
    });
    return viewOf(await stateOrRefuse(id));
  }

  async function statusOf(agent: string, isProbed: boolean): Promise<AgentStatus> {
    const card = findAgent(registry(), agent);
    const unknown: AgentHealth = { state: "unknown", text: "not asked yet", checkedAt: 0, since: 0 };
    const health = isProbed ? await agents.probe(card) : (agents.health(card.id) ?? unknown);
    const open = await ledger.list({ kind: "delegation", agent: card.id, open: true, limit: 500 });
    const latest = await ledger.list({
      kind: "delegation",
      agent: card.id,
      status: ["succeeded", "partial", "blocked"],
      limit: 1,
    });
    const running = open.items.filter(({ status }) => status === "dispatched").length;
    const last = latest.items[0];
    const lastHandoffAt = last && stateOf("delegation", last).outcome?.at;
    return {
      card,
      health,
      running,
      queued: open.items.length - running,
      ...(lastHandoffAt ? { lastHandoffAt } : {}),
    };
  }

  return {
    async delegate(actor, request) {
      await hold.refuse();
      return deps.delegate(actor, request);
    },
    cancel,
    async delegation(id) {
      return viewOf(await stateOrRefuse(id));
    },
    delegations,
    wait,
    async history(id) {
      const events = await allEvents(ledger, id);
      if (events.length === 0) await stateOrRefuse(id);
      return events;
    },
    receipts: (id) => ledger.receiptsOf(id),
    handIn: createHandIn(deps),
    handoffs: (query) => listHandoffs(ledger, query),
    agents: () => Promise.all(registry().agents.map(({ id }) => statusOf(id, false))),
    agent: (word, options) => statusOf(word, options?.probe ?? false),
    explainAcl(caller, target) {
      const from = caller === "operator" ? "operator" : findAgent(registry(), caller).id;
      const to = findAgent(registry(), target).id;
      if (from !== "operator") return mayDelegate(deps.acl(), from, to);
      return {
        allowed: true,
        caller: from,
        target: to,
        rule: "operator",
        text: `operator may delegate to ${to} (operator).`,
      };
    },
    channelContext: deps.readChannel,
    health: deps.health,
    watch: (listener) => engine.watch(listener),
    eventsAfter: (position, limit) => ledger.events({ after: position, limit }),
    interactions: createInteractions(deps),
    runs: {
      ...runs,
      async startRun(actor, request) {
        await hold.refuse();
        return runs.startRun(actor, request);
      },
    },
    tasks,
    queue: createQueueVerbs({
      ...deps,
      tasks,
      channel: deps.queueChannel,
      problemsIn: deps.words.problemsIn,
      async refusalOf(actor, text) {
        const author = { id: "", name: "", isBot: true };
        const words = await deps.words.wordsOf({ text, attachments: [], author, actor, hops: 0 });
        return words ? words.refusal?.text : "The task says nothing.";
      },
    }),
    stopNow: createStopNow(deps),
  };
}

async function allEvents(ledger: Ledger, stream: string): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after = -1; ; ) {
    const page = await ledger.events({ stream, after, limit: HISTORY_PAGE });
    events.push(...page);
    const last = page.at(-1);
    if (!last || page.length < HISTORY_PAGE) return events;
    after = last.version;
  }
}
