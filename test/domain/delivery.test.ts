import assert from "node:assert/strict";
import test from "node:test";
import { delivery } from "../../src/domain/delivery.ts";
import type { DeliveryInput, DeliveryState, Question } from "../../src/domain/delivery-types.ts";
import type { Delivery, EffectBody } from "../../src/domain/effects.ts";

const RUN = "wf-pair-1";

/** A delivery with what followed its inputs. */
function begin(told: Delivery, question: Question) {
  let state: DeliveryState | undefined;
  const bodies: EffectBody[] = [];
  const take = (input: DeliveryInput) => {
    const events = delivery.decide(state, input);
    for (const event of events) {
      state = delivery.evolve(state, event);
      bodies.push(...delivery.effects(state, event).map(({ body }) => body));
    }
    return events;
  };
  return {
    bodies,
    posted(part: number) {
      const message = `90${part}`;
      const receipt = { delivery: told.id, part, nonce: "n", channel: "7", message, postedAt: 0 };
      return take({ type: "part-posted", delivery: told, receipt, of: part + 1 });
    },
    gone: (message: string) => take({ type: "gone", at: 5, delivery: told, message, question }),
  };
}

const GATE = {
  type: "card",
  run: RUN,
  to: { role: "approvals" },
  gate: { step: "ok", generation: 1 },
} as const;
const gateOf = () =>
  begin({ id: `${RUN}/gate-ok~1`, kind: "notice", to: { role: "approvals" }, subject: RUN }, GATE);

test("a deleted question is asked again once for each deletion of its newest message", () => {
  const law = gateOf();
  assert.deepEqual(law.gone("900"), [], "what was never posted cannot be deleted");
  law.posted(0);
  assert.equal(law.gone("900").length, 1);
  assert.deepEqual(law.gone("900"), []);
  law.posted(1);
  assert.deepEqual(law.gone("900"), [], "an earlier message is missed by nobody");
  law.gone("901");
  assert.deepEqual(law.bodies, [GATE, GATE]);
});

test("from the fourth deletion on it is told in #agent-logs, once", () => {
  const law = gateOf();
  for (let part = 0; part < 7; part++) {
    law.posted(part);
    law.gone(`90${part}`);
  }
  assert.deepEqual(
    law.bodies.map((body) => body.type),
    ["card", "card", "card", "post"],
  );
  const last = law.bodies.at(-1);
  assert.ok(last?.type === "post");
  assert.deepEqual(last.delivery, {
    id: `${RUN}/deleted-gate-ok~1`,
    kind: "notice",
    to: { role: "agentLogs" },
    subject: RUN,
    text: "⚠️ wf-pair-1 waits for people, and its message (gate-ok) was deleted 4 times. It is not posted anew at once any more; it comes with the gate's next change or reminder. `/workflow approve` and `/workflow reject` with wf-pair-1 decide it too.",
  });
});

test("words that ask are posted under their next name, and are counted by it", () => {
  for (const [id, next] of [
    ["ask-1", "ask-1~2"],
    ["ask-1~3", "ask-1~4"],
    ["ask-1~4", "deleted-ask-1~4"],
  ] as const) {
    const asked: Delivery = { id: `${RUN}/${id}`, kind: "ask", to: { channel: "7" }, subject: RUN };
    const law = begin(asked, { type: "post", delivery: asked });
    law.posted(0);
    law.gone("900");
    assert.deepEqual(
      law.bodies.map((body) => body.type === "post" && body.delivery.id),
      [`${RUN}/${next}`],
    );
  }
});
