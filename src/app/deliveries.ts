import type { DeliveryPort } from "../discord/delivery-port.ts";
import { decidedElsewhere } from "../domain/delivery.ts";
import { deliverySubject, deliveryWhat } from "../domain/delivery-id.ts";
import type { DeliveryEvent, DeliveryInput, Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import { viewOfRun } from "../domain/run-view.ts";
import { targetText } from "../domain/trace-words.ts";
import { viewOf } from "../domain/view.ts";
import { viewOfWorker } from "../domain/worker.ts";
import type { Engine } from "../engine/accept.ts";
import { dayOf, viewOfTask } from "../engine/create-task-verbs.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Crash } from "../engine/ports/log.ts";
import { oneLine } from "../kernel/text.ts";
import { subjectOf } from "./subjects.ts";

/** What the Discord edge needs of the ledger: receipts, and one commit for each thing that happens to a delivery. */
export function createDeliveries(deps: {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly holder: string;
  readonly crash: Crash;
  readonly attachable: NonNullable<DeliveryPort["attachable"]>;
}): DeliveryPort {
  const { engine, ledger, holder, crash } = deps;
  return {
    receipts: (delivery) => ledger.receipts(delivery),
    shownBy: (message) => ledger.trail.receiptsAt(message),
    onPosted: (delivery, listener) =>
      engine.watch((events) => {
        for (const { body } of events as readonly { readonly body: DeliveryEvent }[])
          if (body.type === "delivery.part-posted") listener(body.receipt);
      }, delivery),
    async record(input, settles) {
      if (input.type === "trouble") await tellOfTrouble(engine, input);
      const stream = input.delivery.id;
      await engine.accept({
        kind: "delivery",
        stream,
        input,
        cause: settles[0] ?? stream,
        settles: settles.map((id) => ({ id, outcome: input.type })),
        // What others have taken over meanwhile is theirs to say: it would be said twice.
        ...(input.type === "batch" ? { heldBy: holder } : {}),
        receipts: receiptsFor(input),
      });
      if (input.type === "gone") return crash("deletion:recorded");
      crash(/\/(card|gate-[^/]+|proposals-\d+)$/.test(stream) ? "card:recorded" : "post:recorded");
    },
    tellUnasked: (delivery, at) => tellUnasked(engine, delivery, at),
    async view(stream) {
      const { kind, state } = await subjectOf(engine, stream);
      switch (kind) {
        case "delegation":
          return { kind, view: viewOf(state) };
        case "run":
          return { kind, view: viewOfRun(state) };
        case "proposals": {
          const { slug, evolved } = state;
          return { kind, view: { slug, ...(evolved ? { evolved } : {}) } };
        }
        case "task":
          return { kind, view: viewOfTask(state) };
        case "worker":
          return { kind, view: viewOfWorker(state) };
      }
    },
    batchBody: async (delivery) => (await engine.read("delivery", delivery))?.body,
    attachable: deps.attachable,
  };
}

/** Once a day for each place; of #agent-logs itself `hq status` tells. */
async function tellOfTrouble(
  engine: Pick<Engine, "accept">,
  { at, delivery, text }: Extract<DeliveryInput, { type: "trouble" }>,
): Promise<void> {
  const { id: name, to } = delivery;
  if ("role" in to && to.role === "agentLogs") return;
  const place = "role" in to ? to.role : to.channel;
  const id = `notice-post-${place}-${dayOf(at)}`;
  const said = `⚠️ ${name} could not be posted in ${targetText(to)} in five tries: ${oneLine(text, 300)}. Its tries go on; \`hq doctor\` names what is missing.`;
  const input = { type: "notice", at, id, text: said } as const;
  await engine.accept({ kind: "notice", stream: id, input, cause: name });
}

async function tellUnasked(engine: Pick<Engine, "accept">, delivery: string, at: number): Promise<void> {
  const subject = deliverySubject(delivery);
  const id = `notice-unasked-${delivery.replace("/", ".")}-${dayOf(at)}`;
  const text = `⚠️ ${subject} waits for people, and the guild has no channel in which they could be asked (${deliveryWhat(delivery)}). It is asked as soon as there is one (approvals in config/channels.yaml); until then ${decidedElsewhere(delivery, subject)}.`;
  const input = { type: "notice", at, id, text } as const;
  await engine.accept({ kind: "notice", stream: id, input, cause: delivery });
}

/** A batch's message is the receipt of each delivery that it carries. */
function receiptsFor(input: DeliveryInput): readonly Receipt[] {
  if (input.type !== "part-posted") return [];
  const { receipt, delivery } = input;
  return [receipt, ...membersOf(delivery).map((member) => ({ ...receipt, delivery: member, part: 0 }))];
}

function membersOf(delivery: Delivery): readonly string[] {
  return delivery.members ?? [];
}
