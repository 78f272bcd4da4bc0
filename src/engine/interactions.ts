import type { InteractionState } from "../domain/interaction.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";
import type { InteractionVerbs } from "./verbs.ts";

export function createInteractions(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly crash: Crash;
}): InteractionVerbs {
  const { engine, ledger, now, crash } = deps;
  /** Noted in this life: only what earlier ones left is unfinished, and what their clock said proves nothing. */
  const own = new Set<string>();
  const nameOf = ({ id, at }: Pick<InteractionState, "id" | "at">) => `${id} ${at}`;
  const isOwn = (state: InteractionState) => own.has(nameOf(state));
  const streamOf = (id: string) => `int-${id}`;

  async function done(id: string, outcome: string, notedAt?: number): Promise<void> {
    const input = {
      type: "done",
      at: now(),
      outcome,
      ...(notedAt === undefined ? {} : { notedAt }),
    } as const;
    const how = { kind: "interaction", stream: streamOf(id), input, cause: id } as const;
    const { state, events } = await engine.accept(how);
    if (state && events.length > 0) own.delete(nameOf(state));
    crash("interaction:done");
  }

  /** What an earlier life noted and did not begin was never acknowledged. */
  const isUnanswered = (state: InteractionState) => state.status === "noted" && !isOwn(state);

  return {
    async note(id, work, actor, replyTo) {
      const input = { type: "note", at: now(), id, work, actor, ...(replyTo ? { replyTo } : {}) } as const;
      const earlier = await engine.read("interaction", streamOf(id));
      if (earlier && isUnanswered(earlier)) await done(id, "unanswered", earlier.at);
      own.add(nameOf(input));
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
        open.push(...states.filter((state) => !isOwn(state)));
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
