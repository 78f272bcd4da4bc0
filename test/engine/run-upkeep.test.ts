import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { delegation } from "../../src/domain/delegation.ts";
import type { DelegationInput, DelegationState } from "../../src/domain/delegation-types.ts";
import type { EffectBody } from "../../src/domain/effects.ts";
import type { RunInput } from "../../src/domain/run-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createRunUpkeep } from "../../src/engine/run-upkeep.ts";
import { cardOf } from "../support/core.ts";
import { ORDER } from "../support/order.ts";
import { begin, type Law } from "../support/run-law.ts";
import { stepOf, taskOf } from "../support/workflow.ts";

const NOW = 500_000;
type Timer = Extract<EffectBody, { type: "run-timer" }>;

/** What a timer of a run comes to: the input that it is told, or what it counts as. */
async function fired(
  timer: Partial<Timer> & Pick<Timer, "what">,
  world: {
    law?: Law;
    child?: DelegationState;
    health?: "up" | "down";
    agents?: readonly string[];
    dueAt?: number;
  } = {},
) {
  const told: RunInput[] = [];
  const asked: string[] = [];
  const upkeep = createRunUpkeep({
    engine: {
      async read(kind: string, stream: string) {
        asked.push(stream);
        return kind === "run" ? world.law?.state : world.child;
      },
      accept: async ({ input }: { input: RunInput }) => void told.push(input),
    } as unknown as Engine,
    agents: {
      probe: async () => ({
        state: world.health ?? "up",
        text: "connection refused",
        checkedAt: NOW,
        since: 0,
      }),
    } as never,
    registry: () => createRegistry((world.agents ?? ["webster"]).map((id) => cardOf(id))),
    files: {} as never,
    stepFiles: {} as never,
    now: () => NOW,
    crash: () => undefined,
  });
  const body: Timer = { type: "run-timer", run: "wf-1", ...timer };
  const effect = {
    id: "e",
    stream: "wf-1",
    lane: "any",
    dueAt: world.dueAt ?? 0,
    createdAt: 0,
    tries: 1,
    body,
  } as const;
  const outcome = await upkeep.timer(effect);
  return { outcome, told: told[0], asked };
}

function childWith(...inputs: readonly DelegationInput[]): DelegationState {
  let state: DelegationState | undefined;
  for (const input of [{ type: "queue", order: ORDER } as const, ...inputs])
    for (const event of delegation.decide(state, input)) state = delegation.evolve(state, event);
  assert.ok(state);
  return state;
}

const DISPATCHED: DelegationInput = { type: "dispatched", attempt: 1, at: NOW - 90_000, again: false };

function running(): Law {
  const law = begin([stepOf("look", taskOf("webster", "Look."))]);
  law.started("look");
  return law;
}

test("each timer is told to the run as what it is, with the step and the generation that it was set for", async () => {
  const of = { step: "gate", generation: 3 };
  const told = async (what: Timer["what"], more: object = of) => (await fired({ what, ...more })).told;
  assert.deepEqual(await told("deadline", {}), { type: "deadline", at: NOW });
  assert.deepEqual(await told("progress", {}), { type: "progress", at: NOW });
  assert.deepEqual(await told("wait"), { type: "wait-over", at: NOW, ...of });
  assert.deepEqual(await told("remind"), { type: "gate-reminder", at: NOW, ...of });
  assert.deepEqual(await told("expire"), { type: "gate-expired", at: NOW, ...of });
});

test("a timer that was due when it was claimed counts, though the clock was set back since: else nothing would ring again", async () => {
  const { told } = await fired({ what: "expire", step: "gate", generation: 1 }, { dueAt: NOW + 250 });
  assert.deepEqual(told, { type: "gate-expired", at: NOW + 250, step: "gate", generation: 1 });
});

test("of work that is silent for long it is said what is known: slow, not answering, or still waiting for its agent", async () => {
  const look = async (world: Parameters<typeof fired>[1]) => {
    const { told } = await fired(
      { what: "stall", step: "look", generation: 1 },
      { law: running(), ...world },
    );
    assert.ok(told?.type === "stalled");
    assert.deepEqual([told.of, told.againAt], [{ step: "look", generation: 1 }, NOW + 300_000]);
    return told.text;
  };
  assert.equal(await look({ child: childWith(DISPATCHED) }), "slow, waiting on webster since 1m 30s");
  assert.equal(
    await look({ child: childWith(DISPATCHED), health: "down" }),
    "webster has had it since 1m 30s and does not answer now (connection refused)",
  );
  assert.equal(
    await look({ child: childWith(DISPATCHED), agents: ["manager"] }),
    "webster has had it since 1m 30s and does not answer now",
  );
  assert.equal(await look({ child: childWith() }), "waiting for webster; it works on something else");
  const held = { type: "hold", at: NOW, agent: "webster", reason: "agent_draining", text: "it is drained" };
  assert.equal(
    await look({ child: childWith(held as DelegationInput) }),
    "waiting for webster: it is drained",
  );
});

test("nobody is asked about work that is over, was begun anew, or belongs to a run that has ended", async () => {
  const outcome = async (
    law: Law,
    generation = 1,
    child: DelegationState | undefined = childWith(DISPATCHED),
  ) => {
    const made = await fired(
      { what: "stall", step: "look", generation },
      { law, ...(child ? { child } : {}) },
    );
    assert.equal(made.told, undefined);
    assert.deepEqual(made.outcome, { kind: "done", outcome: "means nothing any more" });
  };
  const over = running();
  over.succeed("look");
  await outcome(over);
  const half = begin([
    stepOf("look", taskOf("webster", "Look.")),
    stepOf("other", taskOf("webster", "Look.")),
  ]);
  half.started("look");
  half.started("other");
  half.succeed("look");
  await outcome(half);
  await outcome(running(), 2);
  const { told } = await fired({ what: "stall", step: "look", generation: 1 }, { law: running() });
  assert.equal(told, undefined, "its child is not made yet");
  const { asked } = await fired({ what: "stall", step: "look", generation: 1 }, {});
  assert.deepEqual(asked, ["wf-1"], "there is no such run");
});
