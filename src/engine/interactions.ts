import type { InteractionState } from "../domain/interaction.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";
import type { InteractionVerbs } from "./verbs.ts";

export function createInteractions(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly now: () => number;
  /** Only what earlier lives of the supervisor left is unfinished. */
  readonly startedAt: number;
  readonly crash: Crash;
}): InteractionVerbs {
  const { engine, ledger, now, crash } = deps;
  const streamOf = (id: string) => `int-${id}`;

  async function done(id: string, outcome: string, notedAt?: number): Promise<void> {
    const input = {
      type: "done",
      at: now(),
      outcome,
      ...(notedAt === undefined ? {} : { notedAt }),
    } as const;
    await engine.accept({ kind: "interaction", stream: streamOf(id), input, cause: id });
    crash("interaction:done");
  }

  /** What an earlier life noted and did not begin was never acknowledged. */
  const isUnanswered = ({ status, at }: InteractionState) => status === "noted" && at < deps.startedAt;

  return {
    async note(id, work, actor, replyTo) {
      const input = { type: "note", at: now(), id, work, actor, ...(replyTo ? { replyTo } : {}) } as const;
      const earlier = await engine.read("interaction", streamOf(id));
      if (earlier && isUnanswered(earlier)) await done(id, "unanswered", earlier.at);
      const { events } = await engine.accept({
        kind: "interaction",
        stream: streamOf(id),
        input,
        cause: id,
        actor,
      });
      crash("interaction:recorded");
      // With the way back to who asked it counts as begun from here on.
      if (replyTo) crash("interaction:acknowledged");
      return events.length > 0;
    },
    async noted(id) {
      const state = await engine.read("interaction", streamOf(id));
      if (!state) return undefined;
      const { work, actor, at, status, replyTo } = state;
      return { work, actor, at, ...(replyTo && status === "begun" ? { owedTo: replyTo } : {}) };
    },
    async begin(id) {
      await engine.accept({
        kind: "interaction",
        stream: streamOf(id),
        input: { type: "begin", at: now() },
        cause: id,
      });
      crash("interaction:acknowledged");
    },
    done,
    async unfinished() {
      const open: InteractionState[] = [];
      for (let before: string | undefined; ; ) {
        const page = await ledger.list({
          kind: "interaction",
          open: true,
          limit: 200,
          ...(before ? { before } : {}),
        });
        const states = page.items.map((loaded) => stateOf("interaction", loaded));
        open.push(...states.filter(({ at }) => at < deps.startedAt));
        before = page.next;
        if (!before) break;
      }
      for (const { id, at } of open.filter(isUnanswered)) await done(id, "unanswered", at);
      return open
        .filter(({ status, replyTo }) => status === "begun" && !replyTo)
        .toReversed()
        .map(({ id, work, actor, at }) => ({ id, work, actor, at }));
    },
  };
}
