import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import { batchFromOld, otherThanSaid } from "../domain/batch-import.ts";
import { isBatchActive, rollUp } from "../domain/batch-roll-up.ts";
import { type BatchInput, type BatchState, batchStream } from "../domain/batch-types.ts";
import { resultsOfBatch, viewOfBatch } from "../domain/batch-view.ts";
import { whyNotBatch } from "../domain/batch-why-not.ts";
import { mayDo } from "../domain/permissions.ts";
import { canonicalJson, digestOf, newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { BatchVerbs, CreateBatchRequest } from "./batch-verbs.ts";
import { permit } from "./ownership.ts";
import type { Ledger } from "./ports/ledger.ts";

const PAGE = 200;
const SCOPE = "batch";

export type BatchVerbsDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly acl: () => Acl;
  readonly now: () => number;
};

export function createBatchVerbs(deps: BatchVerbsDeps): BatchVerbs {
  const { engine, ledger, now } = deps;

  /** The batch, when it is there and the actor may do that to it. */
  async function stateFor(actor: Actor, id: string, what: string): Promise<BatchState> {
    const state = await engine.read("batch", batchStream(id));
    if (!state) throw noBatch(id);
    permit(deps.acl(), actor, "batch", { id, asker: state.actor, what });
    if (state.removedAt !== undefined) refuse(state, { type: "remove", at: now() });
    return state;
  }

  /** Says no when the state forbids it; otherwise nothing new was said. */
  function refuse(state: BatchState, input: Parameters<typeof whyNotBatch>[1]): void {
    const why = whyNotBatch(state, input);
    if (why) throw new Refusal(why.code, why.text, why.hint === undefined ? {} : { hint: why.hint });
  }

  async function change(actor: Actor, id: string, input: Parameters<typeof whyNotBatch>[1], what: string) {
    await stateFor(actor, id, what);
    const { state, events } = await engine.accept({
      kind: "batch",
      stream: batchStream(id),
      input,
      cause: `${input.type} ${id}`,
      actor,
    });
    if (!state) throw noBatch(id);
    // With nothing written, `state` is what it was decided on.
    if (events.length === 0) refuse(state, input);
    return viewOfBatch(state, now());
  }

  async function create(actor: Actor, request: CreateBatchRequest) {
    permit(deps.acl(), actor, "batch");
    const { key, type: pattern, tasks, metadata } = request;
    const digest = digestOf(canonicalJson({ pattern, tasks, metadata, actor }));
    const once = key && { scope: SCOPE, key: `${key.scope}:${key.key}`, digest };
    const before = once && (await ledger.keyOf(once.scope, once.key));
    if (before) return createdBefore(before.stream, before.digest === digest);
    for (;;) {
      const at = now();
      const id = `wf_${digestOf(newId(SCOPE, at)).slice(0, 8)}`;
      const accepted = await engine.accept({
        kind: "batch",
        stream: batchStream(id),
        input: { type: "create", at, id, actor, pattern, tasks, metadata },
        cause: key ? `${key.scope}:${key.key}` : `create ${id}`,
        actor,
        ...(once ? { key: once } : {}),
      });
      if (accepted.repeats) return createdBefore(accepted.repeats.stream, accepted.repeats.same);
      // Eight characters of chance may be those of another one.
      if (accepted.state && accepted.events.length > 0)
        return { batch: viewOfBatch(accepted.state, at), repeated: false };
    }
  }

  async function createdBefore(stream: string, isSame: boolean) {
    const state = await engine.read("batch", stream);
    if (isSame && state) return { batch: viewOfBatch(state, now()), repeated: true };
    throw new Refusal("key_reused", "That key was used before for another batch.", {
      hint: "Use a new key for a new batch.",
    });
  }

  /** All that the actor may see, those that changed last first. */
  async function visible(actor: Actor): Promise<readonly BatchState[]> {
    const found: BatchState[] = [];
    const agent = actor.kind === "agent" ? { agent: actor.id } : {};
    for (let before: string | undefined; ; ) {
      const page = await ledger.list({
        kind: "batch",
        status: LISTED,
        limit: PAGE,
        ...agent,
        ...(before ? { before } : {}),
      });
      for (const loaded of page.items) {
        const state = stateOf("batch", loaded);
        if (mayDo(deps.acl(), actor, "batch", { id: state.id, asker: state.actor }).allowed)
          found.push(state);
      }
      before = page.next;
      if (!before) return found.sort((a, b) => b.updatedAt - a.updatedAt);
    }
  }

  return {
    create,
    update: (actor, id, said) => change(actor, id, { type: "update", at: now(), ...said }, "change"),
    async status(actor, id) {
      return viewOfBatch(await stateFor(actor, id, "see"), now());
    },
    async aggregate(actor, id) {
      return resultsOfBatch(await stateFor(actor, id, "see"));
    },
    async list(actor, { active }) {
      const at = now();
      const states = await visible(actor);
      return states
        .filter((state) => active === undefined || isBatchActive(state) === active)
        .map((state) => viewOfBatch(state, at));
    },
    resume: (actor, id, request) => change(actor, id, { type: "resume", at: now(), ...request }, "resume"),
    accept: (actor, id, reason) =>
      change(actor, id, { type: "accept", at: now(), ...(reason === undefined ? {} : { reason }) }, "accept"),
    async cleanup(actor, { olderThanMs, dryRun }) {
      const at = now();
      const all = await visible(actor);
      const removed: string[] = [];
      for (const state of all) {
        if (isBatchActive(state) || at - state.updatedAt <= olderThanMs) continue;
        if (dryRun || (await removeUnchanged(actor, state, at))) removed.push(state.id);
      }
      return { removed, remaining: all.length - removed.length };
    },
    async import(actor, { workflows }) {
      permit(deps.acl(), actor, "batch");
      const imported: string[] = [];
      const alreadyThere: string[] = [];
      const corrected: { id: string; said: string; is: string }[] = [];
      for (const [id, old] of Object.entries(workflows)) {
        const batch = batchFromOld(id, old, actor);
        const input: BatchInput = { type: "import", at: now(), batch };
        const stream = batchStream(id);
        const { events } = await engine.accept({
          kind: "batch",
          stream,
          input,
          cause: `import ${id}`,
          actor,
        });
        if (events.length === 0) alreadyThere.push(id);
        else imported.push(id);
        const said = otherThanSaid(old, batch);
        if (events.length > 0 && said !== undefined) corrected.push({ id, said, is: rollUp(batch.tasks) });
      }
      return { imported, alreadyThere, corrected };
    },
  };

  /** False when something came in between: then it is looked at the next time. */
  async function removeUnchanged(actor: Actor, { id, updatedAt }: BatchState, at: number): Promise<boolean> {
    const input = { type: "remove", at, unchangedSince: updatedAt } as const;
    const stream = batchStream(id);
    const { events } = await engine.accept({ kind: "batch", stream, input, cause: `clean up ${id}`, actor });
    return events.length > 0;
  }
}

const LISTED = ["pending", "in_progress", "completed", "partial", "failed", "cancelled"];

function noBatch(id: string): Refusal {
  return new Refusal("not_found", `There is no batch ${id}.`, {
    hint: "`hq batch list` shows those that you may see.",
  });
}
