import type { Registry } from "../domain/agent-card.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { checkHandoff } from "../domain/handoff.ts";
import type { CheckedHandoff } from "../domain/handoff-types.ts";
import { digestOf } from "../kernel/id.ts";
import type { Engine } from "./accept.ts";
import type { ArrivedHandoff, Inbox } from "./ports/handoffs.ts";
import type { Crash } from "./ports/log.ts";

/** Takes what the inbox or a door hands over: checks it, and tells the delegation, or records it as stray. */
export function createReceive(deps: {
  readonly engine: Engine;
  readonly inbox: () => Pick<Inbox, "forget">;
  readonly registry: () => Registry;
  readonly now: () => number;
  readonly crash: Crash;
}) {
  const { engine, now, crash } = deps;

  return async function receive(arrived: ArrivedHandoff): Promise<DelegationState | undefined> {
    crash("handoff:seen");
    const { runId, source } = arrived;
    const state = runId ? await engine.read("delegation", runId) : undefined;
    const cause = `handoff:${runId}#${source.attempt}`;
    const at = now();
    if (!state) {
      const stream = `stray-${digestOf(`${source.path}\n${source.digest}`).slice(0, 20)}`;
      const problems = arrived.ok ? [] : arrived.problems;
      await engine.accept({
        kind: "stray",
        stream,
        input: { type: "stray", at, run: runId, source, problems },
        cause,
      });
      return undefined;
    }
    const checked = check(state, arrived);
    crash("handoff:read");
    const input = checked.ok
      ? ({ type: "handoff", at, source, handoff: checked.handoff } as const)
      : ({ type: "bad-handoff", at, source, problems: checked.problems } as const);
    const accepted = await engine.accept({ kind: "delegation", stream: runId, input, cause });
    crash("handoff:recorded");
    if (accepted.events.some(({ type }) => type === "delegation.settled")) deps.inbox().forget(runId);
    return accepted.state;
  };

  function check(state: DelegationState, arrived: ArrivedHandoff): CheckedHandoff {
    const { id, agent, validate, format } = state.order;
    if (!arrived.ok) return { ok: false, problems: arrived.problems };
    const aliases = deps.registry().find(agent)?.aliases ?? [];
    return checkHandoff({
      document: arrived.text ?? arrived.document,
      runId: id,
      agent,
      aliases,
      mode: validate ? "strict" : "lenient",
      format,
      ...(arrived.remarks ? { remarks: arrived.remarks } : {}),
    });
  }
}
