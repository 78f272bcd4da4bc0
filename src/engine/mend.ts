import { type Actor, actorName } from "../domain/actor.ts";
import type { Finding } from "../domain/audit-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Effect } from "../domain/effects.ts";
import { newId } from "../kernel/id.ts";
import type { Engine } from "./accept.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { Ledger } from "./ports/ledger.ts";

export type Mended = {
  readonly finding: Finding;
  /** What was done, or why nothing was; with `dry`, what would be. */
  readonly done: string;
  readonly isMended: boolean;
};

/**
 * Mends what an audit found without doing any agent's work twice: missing words are posted, missing news told, files put
 * away, what rests is taken up. Each is an event that says who and when, and what follows is an ordinary effect.
 */
export function createMend(deps: {
  readonly ledger: Pick<Ledger, "postpone" | "putOff">;
  readonly engine: Pick<Engine, "accept">;
  readonly inbox: Pick<Inbox, "archive">;
  /** What is needed to put a file away: its digest as the inbox has it. */
  readonly digestOf: (path: string) => Promise<string | undefined>;
  readonly ring: () => void;
  readonly now: () => number;
}) {
  const { ledger, engine, now } = deps;

  async function carryOut(finding: Finding, actor: Actor): Promise<string | undefined> {
    const { act } = finding;
    const at = now();
    switch (act?.type) {
      case undefined:
        return undefined;
      case "effect": {
        await note(finding, actor, `${act.effect.body.type} follows`, { effect: act.effect });
        return act.effect.body.type === "post" ? "posted again" : `${act.effect.body.type} follows`;
      }
      case "put-back": {
        const { run, attempt, deferrals, reroutes } = act;
        const input = {
          type: "deferred",
          attempt,
          at,
          untilAt: at,
          reason: "uncertain",
          text: "its sending was missing; put back by an audit",
          again: false,
          seen: { deferrals, reroutes },
        } as const;
        const cause = `audit of ${run}`;
        const { events } = await engine.accept({ kind: "delegation", stream: run, input, cause, actor });
        // Another audit, a cancel or a deadline was quicker.
        if (events.length === 0) return undefined;
        await note(finding, actor, "put back into its queue");
        return "put back into its queue";
      }
      case "take-up":
        await ledger.postpone(act.effect, at, "taken up again by an audit", { stillBegun: true });
        deps.ring();
        await note(finding, actor, "taken up again");
        return "taken up again";
      case "wake":
        await ledger.putOff({ stream: act.stream, kind: "delegation", wakeAt: act.wakeAt }, at);
        deps.ring();
        await note(finding, actor, "woken");
        return "woken";
      case "receipt": {
        const { delivery, receipt, of } = act;
        const input = { type: "part-posted", delivery, receipt, of } as const;
        const cause = `audit of ${delivery.id}`;
        await engine.accept({ kind: "delivery", stream: delivery.id, input, cause, actor });
        // The delivery may know of it already while only the receipt's row is missing.
        await note(finding, actor, "its receipt was put in", { receipts: [receipt] });
        return "its receipt was put in";
      }
      case "file": {
        const { path, run } = act;
        const digest = await deps.digestOf(path);
        if (digest === undefined) return undefined;
        const problems = [{ path: "", message: `put away by an audit: ${finding.reason}` }];
        const to = await deps.inbox.archive({ run, path, digest, to: "rejected", problems });
        await note(finding, actor, `put away as ${to}`);
        return `put away as ${to}`;
      }
    }
  }

  async function note(
    { fault, id, of, reason }: Finding,
    actor: Actor,
    done: string,
    more: { readonly effect?: Effect; readonly receipts?: readonly Receipt[] } = {},
  ): Promise<void> {
    const at = now();
    const stream = newId("mend", at);
    const { effect, receipts } = more;
    const input = {
      type: "mend",
      at,
      id: stream,
      by: actorName(actor),
      finding: { fault, id, reason, ...(of === undefined ? {} : { of }) },
      done,
      ...(effect ? { effect: { ...effect, dueAt: at } } : {}),
    } as const;
    const cause = `audit of ${id}`;
    await engine.accept({
      kind: "mend",
      stream,
      input,
      cause,
      isNew: true,
      actor,
      ...(receipts ? { receipts } : {}),
    });
  }

  return async function mend(
    actor: Actor,
    findings: readonly Finding[],
    options: { readonly dry: boolean; readonly hasLookedAtDiscord: boolean },
  ): Promise<readonly Mended[]> {
    const mended: Mended[] = [];
    for (const finding of findings) {
      const { act } = finding;
      if (!act) {
        mended.push({ finding, done: `not by itself: ${finding.mend}`, isMended: false });
      } else if (act.type === "effect" && act.effect.body.type === "post" && !options.hasLookedAtDiscord) {
        const done = "not posted: Discord was not looked at, and the message may be there";
        mended.push({ finding, done, isMended: false });
      } else if (options.dry) {
        mended.push({ finding, done: `would be mended (${wordOf(act)})`, isMended: false });
      } else {
        const done = await carryOut(finding, actor);
        mended.push({ finding, done: done ?? "nothing to mend any more", isMended: done !== undefined });
      }
    }
    return mended;
  };
}

function wordOf(act: NonNullable<Finding["act"]>): string {
  return act.type === "effect" ? act.effect.body.type : act.type;
}
