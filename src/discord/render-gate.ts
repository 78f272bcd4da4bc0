import { ButtonStyle, ComponentType } from "discord.js";
import type { GateRef } from "../domain/effects.ts";
import { MOST_LINES, MOST_RESULTS, toldBefore } from "../domain/needed-results.ts";
import type { GateView, RunView, StepView } from "../domain/run-view.ts";
import { cut, firstLines } from "../kernel/text.ts";
import type { Mentioned } from "./approvers.ts";
import { gateSubject } from "./custom-id.ts";
import { AMBER, GREEN, GREY, RED, relative } from "./look.ts";
import { stepSymbol } from "./look-run.ts";
import { markOf } from "./marks.ts";
import { type Payload, text } from "./payload.ts";
import { button, showButton } from "./render-run-card.ts";
import { asLine, asMarkdown, plain } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

/** Of the prompt and of what was said before and at the decision. */
const PROMPT_CHARS = 1500;
const RESULT_CHARS = 280;
const REASON_CHARS = 500;
const MOST_REASONS = 4;

export function gateDelivery(run: string, { step, generation }: GateRef): string {
  return `${run}/gate-${step}~${generation}`;
}

/** A gate with what is needed to show it. */
export type ShownGate = {
  readonly run: Pick<RunView, "id" | "workflow" | "asker">;
  readonly step: StepView;
  /** Absent: the step has begun anew since, or has no gate yet. */
  readonly gate?: GateView;
  readonly generation: number;
  /** The steps before it that came to something. */
  readonly told: readonly StepView[];
};

export function shownGate(view: RunView, ref: GateRef): ShownGate | undefined {
  const step = view.steps.find(({ id }) => id === ref.step);
  if (!step) return undefined;
  const { id, workflow, asker } = view;
  const isCurrent = step.generation === ref.generation;
  return {
    run: { id, workflow, asker },
    step,
    generation: ref.generation,
    told: toldBefore(view, step),
    ...(isCurrent && step.gate ? { gate: step.gate } : {}),
  };
}

export function isGateOpen({ gate, step }: Pick<ShownGate, "gate" | "step">): boolean {
  return gate?.status === "open" && step.status === "waiting";
}

/**
 * The message in which people decide; afterwards it says who did, when and why, and has no buttons. `part` counts those
 * that took the place of one that a person deleted.
 */
export function renderGate(shown: ShownGate, who: Mentioned, part = 0): Payload {
  const { run, step, gate, generation } = shown;
  const isOpen = isGateOpen(shown);
  const { colour, title } = verdictOf(shown);
  const where = `${asLine(run.workflow)} / ${asLine(step.id)}`;
  const small = [
    ...(isOpen && gate ? [standing(gate)] : []),
    `asked by ${cut(asLine(run.asker), 80)} · ${markOf(gateDelivery(run.id, { step: step.id, generation }), part)}`,
  ];
  const said = isOpen ? reasonLines(gate) : decisionLines(shown);
  const room = PROMPT_CHARS - said.join("\n").length;
  const body = [
    `### ${title} · ${where}`,
    ...(isOpen ? [who.text] : []),
    ...said,
    ...(gate ? [leadingText(asMarkdown(gate.prompt), room).text] : []),
    ...(gate ? resultLines(shown.told) : []),
    ...small.map((line) => `-# ${line}`),
  ];
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: colour,
        components: [
          text(body.filter(Boolean).join("\n")),
          ...(isOpen && gate
            ? [{ type: ComponentType.ActionRow as const, components: [...gateButtons(shown, gate)] }]
            : []),
        ],
      },
    ],
    files: [],
    ...(isOpen ? { pings: { roles: who.roles, users: who.users } } : {}),
  };
}

function gateButtons({ run, step, generation }: ShownGate, { digest }: GateView) {
  const subject = gateSubject({ run: run.id, step: step.id, generation, digest });
  return [
    button("approve", "Approve", subject, ButtonStyle.Success),
    button("reject", "Reject…", subject, ButtonStyle.Danger),
    showButton(run.id, "Open run"),
  ];
}

function standing(gate: GateView): string {
  const given = gate.approvals.map(({ who }) => asLine(who)).join(", ");
  const count = gate.min > 1 ? `${gate.approvals.length} of ${gate.min} approvals` : "one approval is enough";
  return [
    count + (given ? ` (${cut(given, 200)})` : ""),
    `expires ${relative(gate.expiresAt)}`,
    ...(gate.escalated ? ["escalated"] : []),
    `digest ${gate.digest.slice(0, 12)}`,
  ].join(" · ");
}

function verdictOf(shown: ShownGate): { readonly title: string; readonly colour: number } {
  if (isGateOpen(shown)) return { title: "Approval needed", colour: AMBER };
  switch (shown.gate?.status) {
    case "approved":
      return { title: "✅ Approved", colour: GREEN };
    case "rejected":
      return { title: "❌ Rejected", colour: RED };
    case "expired":
      return { title: "⌛ Expired", colour: RED };
    case "open":
    case undefined:
      return { title: "No decision needed any more", colour: GREY };
  }
}

function decisionLines({ gate, step }: ShownGate): readonly string[] {
  if (!gate) return ["The step began anew; another gate takes the place of this one."];
  const reason = gate.reason ?? (gate.status === "open" ? step.reason : undefined);
  const why = reason ? [`> ${cut(asLine(reason), REASON_CHARS)}`] : [];
  const before = reasonLines(gate);
  if (gate.status === "open") {
    const by = step.by ? ` by ${asLine(step.by)}` : "";
    return [`The step is ${step.status}${by}.`, ...before, ...why];
  }
  const at = gate.decidedAt === undefined ? "" : ` ${relative(gate.decidedAt)}`;
  const others = gate.approvals.map(({ who }) => who);
  const names = gate.status === "approved" && others.length > 0 ? others : [gate.decidedBy ?? "nobody"];
  const who = cut(names.map((name) => asLine(name)).join(", "), 300);
  const decided = gate.status === "expired" ? `Nobody decided in time${at}.` : `By ${who}${at}.`;
  // The reason of an approved gate is that of its last approval.
  const isTold = gate.status === "approved" && others.length > 1 && before.length > 0;
  const isAlone = gate.status === "approved" && others.length === 1;
  return [decided, ...(isAlone ? [] : before), ...(isTold ? [] : why)];
}

/** What the latest approvers said, a line each; together they have the room of one reason. */
function reasonLines(gate: GateView | undefined): readonly string[] {
  const said = (gate?.approvals ?? []).filter(({ reason }) => reason).slice(-MOST_REASONS);
  const room = Math.floor(REASON_CHARS / said.length);
  return said.map(({ who, reason = "" }) => `> ${cut(asLine(who), 40)}: ${cut(asLine(reason), room)}`);
}

/** What the steps before it came to, in short: what is decided about. */
function resultLines(told: readonly StepView[]): readonly string[] {
  const lines = told.slice(0, MOST_RESULTS).map((step) => {
    const sure = step.confidence ? ` · confidence ${asLine(step.confidence)}` : "";
    return `${stepSymbol(step)} **${step.id}**${step.agent ? ` · ${asLine(step.agent)}` : ""}${sure}\n${excerpt(step.result ?? step.reason ?? "")}`;
  });
  const more = told.length - lines.length;
  return more > 0 ? [...lines, `-# and ${more} more; Open run shows all`] : lines;
}

/** The first lines of a text as a quote, with its lists and its emphasis. */
function excerpt(said: string): string {
  const lines = firstLines(plain(said), MOST_LINES, RESULT_CHARS).join("\n");
  return leadingText(asMarkdown(lines), RESULT_CHARS).text.replaceAll(/^/gm, "> ");
}
