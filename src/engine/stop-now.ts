import type { Acl } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import { currentAttempt } from "../domain/delegation.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Hold } from "./hold.ts";
import { permit } from "./ownership.ts";
import type { Ledger, Loaded, StreamKind } from "./ports/ledger.ts";
import type { Workers } from "./ports/workers.ts";
import type { StoppedNow } from "./verbs.ts";

const PAGE = 200;

/**
 * Ends all work: workers are killed, runs and delegations canceled, tasks that were claimed fail. What is open waits,
 * and nothing begins, until `hq start`. Agents that have taken work cannot be told to stop; they are named.
 */
export function createStopNow(deps: {
  readonly engine: Engine;
  readonly ledger: Pick<Ledger, "list">;
  readonly workers: Pick<Workers, "killAll">;
  readonly acl: () => Acl;
  readonly hold: Hold;
  readonly now: () => number;
}) {
  const { engine, now } = deps;

  async function openOf(kind: StreamKind, status?: readonly string[]): Promise<readonly Loaded[]> {
    const all: Loaded[] = [];
    for (let before: string | undefined; ; ) {
      const more = { ...(before ? { before } : {}), ...(status ? { status } : {}) };
      const page = await deps.ledger.list({ kind, open: true, limit: PAGE, ...more });
      all.push(...page.items);
      before = page.next;
      if (!before) return all;
    }
  }

  return async function stopNow(actor: Actor): Promise<StoppedNow> {
    permit(deps.acl(), actor, "stop");
    await deps.hold.put(actor);
    // The processes first: they are what must be gone within seconds.
    const killing = deps.workers.killAll();
    const [, rest] = await Promise.all([killing, cancelAll(actor)]);
    return { ...rest, killed: await killing };
  };

  async function cancelAll(actor: Actor): Promise<Omit<StoppedNow, "killed">> {
    const reason = `stopped by ${actorName(actor)}`;
    const input = { type: "cancel", at: now(), actor, reason } as const;
    const cancel = (kind: "run" | "worker" | "delegation", stream: string) =>
      engine.accept({ kind, stream, input, cause: "stop --now", actor });
    await Promise.all(
      (await openOf("task", ["claimed"])).map(({ stream }) =>
        engine.accept({
          kind: "task",
          stream,
          input: { ...input, type: "stop", reason: "stopped" },
          cause: "stop --now",
          actor,
        }),
      ),
    );
    const canceled: string[] = [];
    const runs = await openOf("run");
    await Promise.all(runs.map(({ stream }) => cancel("run", stream)));
    const workers = await openOf("worker");
    await Promise.all(workers.map(({ stream }) => cancel("worker", stream)));
    // What ran is killed.
    const waiting = workers.filter(({ status }) => status === "queued");
    canceled.push(...[...runs, ...waiting].map(({ stream }) => stream));
    const notCancelable: { id: string; agent: string; reason: string }[] = [];
    const delegations = await openOf("delegation");
    await Promise.all(delegations.map(({ stream }) => cancel("delegation", stream)));
    for (const loaded of delegations) {
      const state = stateOf("delegation", loaded);
      const { agent, id } = state.order;
      const { dispatchedAt, ambiguous } = currentAttempt(state);
      if (dispatchedAt === undefined && !ambiguous) canceled.push(id);
      else notCancelable.push({ id, agent, reason: dispatchedAt === undefined ? MAY_HAVE_IT : HAS_IT });
    }
    const { length: held } = await openOf("task", ["open"]);
    return { canceled, notCancelable, held };
  }
}

const HAS_IT =
  "the agent has the work, and gateways cannot be told to stop; what it hands in is kept as late";
const MAY_HAVE_IT = "the agent may have got the work; whatever it hands in is kept as late";
