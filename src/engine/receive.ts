import type { Registry } from "../domain/agent-card.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { checkHandoff } from "../domain/handoff.ts";
import type { CheckedHandoff, Handoff } from "../domain/handoff-types.ts";
import { parseResult } from "../domain/step-result.ts";
import { failureIn } from "../domain/templates/tagged-result.ts";
import { digestOf } from "../kernel/id.ts";
import type { Problem } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { ArrivedHandoff } from "./ports/handoffs.ts";
import type { Crash } from "./ports/log.ts";

/** What became of the delegation, and why the document is not acceptable, whether that still counted or not. */
export type Received = { readonly state: DelegationState; readonly problems: readonly Problem[] };
export type Receive = (arrived: ArrivedHandoff) => Promise<Received | undefined>;

/** Takes what the inbox or a door hands over: checks it, and tells the delegation, or records it as stray. */
export function createReceive(deps: {
  readonly engine: Engine;
  readonly registry: () => Registry;
  /** What of a value does not fit a JSON Schema. */
  readonly checkSchema: (schema: unknown, value: unknown) => readonly Problem[];
  readonly now: () => number;
  readonly crash: Crash;
}): Receive {
  const { engine, now, crash } = deps;

  return async function receive(arrived) {
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
    return accepted.state && { state: accepted.state, problems: checked.ok ? [] : checked.problems };
  };

  function check(state: DelegationState, arrived: ArrivedHandoff): CheckedHandoff {
    const { id, validate, format } = state.order;
    if (!arrived.ok) return { ok: false, problems: arrived.problems };
    const agent = signerOf(state, arrived.document);
    // One that was renamed is found by its former name as long as that is an alias.
    const card = deps.registry().find(agent);
    const aliases = card ? [card.id, ...card.aliases] : [];
    const checked = checkHandoff({
      document: arrived.text ?? arrived.document,
      runId: id,
      agent,
      aliases,
      mode: validate ? "strict" : "lenient",
      format,
      ...(arrived.remarks ? { remarks: arrived.remarks } : {}),
    });
    return checked.ok ? checkExpected(state, checked.handoff) : checked;
  }

  /** A result that another step computes with must be what the workflow says. */
  function checkExpected({ order }: DelegationState, handoff: Handoff): CheckedHandoff {
    const isResult = handoff.status === "complete" || handoff.status === "partial";
    if (!order.expect || !isResult) return { ok: true, handoff };
    const { file, schema } = order.expect;
    const parsed = parseResult(handoff.result);
    const problems = parsed.ok
      ? deps.checkSchema(schema, parsed.value)
      : [{ path: "", message: `must be JSON that fits ${file}, as text in "result": ${parsed.message}` }];
    if (problems.length === 0)
      return { ok: true, handoff: parsed.ok ? { ...handoff, result: parsed.text } : handoff };
    // An agent that says in its answer that it could not do it has not handed in a result.
    const failure = parsed.ok ? failureIn(parsed.value) : undefined;
    if (failure !== undefined) {
      const notes = [failure, handoff.notes].filter(Boolean).join("\n");
      return { ok: true, handoff: { ...handoff, status: "failed", result: failure, notes } };
    }
    return {
      ok: false,
      problems: problems.map(({ path, message }) => ({
        path: path === "" ? "result" : `result.${path}`,
        message: `${message} (${file})`,
      })),
    };
  }
}

/** Who had the work before another one got it may hand it in too: it was asked, and did it. */
function signerOf({ order, reroutes = [] }: DelegationState, document: unknown): string {
  const said = document !== null && typeof document === "object" && "agent" in document && document.agent;
  return reroutes.find(({ from }) => from === said)?.from ?? order.agent;
}
