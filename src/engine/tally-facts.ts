import type { DelegationState } from "../domain/delegation-types.ts";
import { deliverySubject } from "../domain/delivery-id.ts";
import type { DeliveryEvent } from "../domain/delivery-types.ts";
import type { RunEvent } from "../domain/run-types.ts";
import {
  delegationFact,
  type Fact,
  postingFact,
  runFact,
  taskFact,
  telling,
  workerFact,
} from "../domain/tally.ts";
import type { TaskEvent } from "../domain/task-events.ts";
import { stateOf } from "./accept.ts";
import type { Ledger, StoredEvent } from "./ports/ledger.ts";

/** The facts that are counted. */
export const TALLIED_EVENTS = [
  "delegation.settled",
  "delivery.part-posted",
  "run.settled",
  "task.settled",
  "worker.settled",
] as const;

type Posted = Extract<DeliveryEvent, { type: "delivery.part-posted" }>;
type RunSettled = Extract<RunEvent, { type: "run.settled" }>;
type TaskSettled = Extract<TaskEvent, { type: "task.settled" }>;
type Named = { readonly state: DelegationState; readonly workflow: string };

const MOST_KEPT = 1000;

/** What an event adds to the kept figures. What was removed since it happened adds nothing. */
export function createFacts(ledger: Ledger): (event: StoredEvent) => Promise<readonly Fact[]> {
  const workflows = createKept<string>();
  const delegations = createKept<Named>();

  async function settledDelegation(id: string): Promise<Named | undefined> {
    const known = delegations.get(id);
    if (known) return known;
    const loaded = await ledger.load(id);
    if (loaded?.kind !== "delegation") return undefined;
    const state = stateOf("delegation", loaded);
    const named = { state, workflow: await workflowOf(state) };
    if (state.outcome) delegations.keep(id, named);
    return named;
  }

  /** By name; "" where the run that is named is none of ours. */
  async function workflowOf({ order }: DelegationState): Promise<string> {
    const run = order.childOf?.run ?? order.workflow?.run;
    if (run === undefined) return "";
    const known = workflows.get(run);
    if (known !== undefined) return known;
    const loaded = await ledger.load(run);
    const name = loaded?.kind === "run" ? (loaded.agent ?? "") : "";
    workflows.keep(run, name);
    return name;
  }

  async function ofDelegation(id: string): Promise<readonly Fact[]> {
    const found = await settledDelegation(id);
    return found ? present(delegationFact(found.state, found.workflow)) : [];
  }

  /** The one delivery that tells of a delegation, alone or in a batch, when its last part is there. */
  async function ofPost({ delivery, receipt, of }: Posted): Promise<readonly Fact[]> {
    const candidates = [delivery.id, ...(delivery.members ?? [])].filter((id) => TELLING.test(id));
    if (candidates.length === 0 || !(await isLast(delivery.id, receipt.part, of))) return [];
    const facts: Fact[] = [];
    for (const id of candidates) {
      const found = await settledDelegation(deliverySubject(id));
      if (!found || telling(found.state) !== id) continue;
      facts.push(...present(postingFact(found.state, found.workflow, receipt.postedAt)));
    }
    return facts;
  }

  async function isLast(delivery: string, part: number, of: number): Promise<boolean> {
    if (of === 1) return true;
    const loaded = await ledger.load(delivery);
    if (loaded?.kind !== "delivery") return false;
    const { status, parts } = stateOf("delivery", loaded);
    return status === "posted" && parts.at(-1)?.part === part;
  }

  return async ({ stream, type, body }) => {
    switch (type) {
      case "delegation.settled":
        return ofDelegation(stream);
      case "delivery.part-posted":
        return ofPost(body as Posted);
      case "run.settled": {
        const loaded = await ledger.load(stream);
        return loaded?.kind === "run" ? [runFact(stateOf("run", loaded), body as RunSettled)] : [];
      }
      case "task.settled": {
        const loaded = await ledger.load(stream);
        if (loaded?.kind !== "task") return [];
        return present(taskFact(stateOf("task", loaded), (body as TaskSettled).try));
      }
      case "worker.settled": {
        const loaded = await ledger.load(stream);
        return loaded?.kind === "worker" ? present(workerFact(stateOf("worker", loaded))) : [];
      }
      default:
        return [];
    }
  };
}

const TELLING = /\/(result|log)$/;

function present(fact: Fact | undefined): readonly Fact[] {
  return fact ? [fact] : [];
}

/** The latest of what was looked up: a delegation is asked for again when its result is posted. */
function createKept<T>() {
  const kept = new Map<string, T>();
  return {
    get: (id: string) => kept.get(id),
    keep(id: string, value: T): void {
      kept.set(id, value);
      if (kept.size <= MOST_KEPT) return;
      const oldest = kept.keys().next();
      if (!oldest.done) kept.delete(oldest.value);
    },
  };
}
