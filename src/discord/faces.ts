import { isSettled } from "../domain/delegation-types.ts";
import { isRunSettled } from "../domain/run-types.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { Approvers } from "./approvers.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import type { Payload } from "./payload.ts";
import { mapStrings } from "./redact-view.ts";
import { type CardPlace, cardDelivery, renderCard } from "./render-card.ts";
import { gateDelivery, isGateOpen, renderGate, shownGate } from "./render-gate.ts";
import { proposalsDelivery, proposalsFace } from "./render-proposals.ts";
import { foldRun, renderRunCard } from "./render-run-card.ts";
import { renderTaskCard } from "./render-task.ts";

/** One message that is kept up to date. */
export type Face = {
  /** A change of this is shown at once, other changes wait their turn. */
  readonly status: string;
  readonly isSettled: boolean;
  /** A person waits for it: it is never left out, and never continued in a new message. */
  readonly isGate: boolean;
  /** It is there or it is not, since it is the claim of a task: it is only ever edited. */
  readonly isClaim?: boolean;
  /** A gate of an earlier round: when people decided it, its message keeps saying so. */
  readonly isPast?: boolean;
  readonly render: (place: CardPlace) => Payload;
};

type Shown = Pick<ClaimedOf<"card">["body"], "run" | "gate" | "round">;

/** The delivery of a card: what it is known by. */
export function faceDelivery({ run, gate, round }: Shown): string {
  if (round !== undefined) return proposalsDelivery(run, round);
  return gate ? gateDelivery(run, gate) : cardDelivery(run);
}

export type FaceOf = (body: Shown) => Promise<Face>;

/** What the message of a delegation, a run, a task or a gate shows now; secrets are blacked out in what is rendered. */
export function createFaces(deps: {
  readonly deliveries: DeliveryPort;
  readonly approvers: Approvers;
  readonly redact: (text: string) => string;
  /** This supervisor's name in the claims of tasks. */
  readonly holder: () => Promise<string>;
}): FaceOf {
  const { deliveries, approvers, redact } = deps;

  return async function faceOf({ run, gate: ref, round }) {
    const subject = await deliveries.view(run);
    if (subject.kind === "delegation") {
      const { view } = subject;
      return {
        status: view.status,
        isSettled: isSettled(view.status),
        isGate: false,
        render: (place) => renderCard(mapStrings(view, redact), place),
      };
    }
    if (subject.kind === "proposals") {
      const { view } = subject;
      if (round === undefined) throw new Error(`${run} is a work item, which has no card`);
      const face = proposalsFace(run, view, round);
      return { ...face, render: ({ part }) => face.render(mapStrings(view, redact), part) };
    }
    if (subject.kind === "worker") throw new Error(`${run} is a worker, which has no card`);
    if (subject.kind === "task") {
      const { view } = subject;
      const holder = await deps.holder();
      return {
        status: `${view.status} ${view.tries.length}`,
        isSettled: view.status !== "open" && view.status !== "claimed",
        isGate: false,
        isClaim: true,
        render: (place) => renderTaskCard(mapStrings(view, redact), { ...place, holder }),
      };
    }
    const { view } = subject;
    if (!ref) {
      return {
        status: `${view.status} ${view.waiting ?? ""} ${view.stopped ? "stopped" : ""}`,
        isSettled: isRunSettled(view.status),
        isGate: false,
        render: (place) => renderRunCard(mapStrings(foldRun(view), redact), place),
      };
    }
    const shown = shownGate(view, ref);
    if (!shown) throw new Error(`${run} has no step ${ref.step}`);
    return {
      status: `${shown.gate?.status ?? "gone"} ${shown.step.status} ${shown.gate?.approvals.length ?? 0}`,
      isSettled: !isGateOpen(shown),
      isGate: true,
      isPast: shown.gate === undefined,
      render: ({ part }) => {
        const who = approvers.mentioned(shown.gate?.approvers ?? []);
        return renderGate(mapStrings(shown, redact), who, part);
      },
    };
  };
}
