import { ButtonStyle, ComponentType } from "discord.js";
import { isRunSettled } from "../domain/run-types.ts";
import type { RunView } from "../domain/run-view.ts";
import { cut } from "../kernel/text.ts";
import { customId, runSubject } from "./custom-id.ts";
import { type FoldedSteps, foldSteps, stepLines } from "./fold-steps.ts";
import { relative } from "./look.ts";
import { runHeadline, runLook } from "./look-run.ts";
import { markOf } from "./marks.ts";
import { type Payload, text } from "./payload.ts";
import { type CardPlace, cardDelivery } from "./render-card.ts";
import { asLine } from "./sanitize.ts";

const STEPS_ROOM = 2700;

/** A run as far as its card shows it: what is folded away is only counted. */
export type FoldedRun = Omit<RunView, "steps" | "result" | "output"> & {
  readonly steps: FoldedSteps;
  readonly hasFailed: boolean;
};

type Shown = Pick<RunView, "id" | "resumes">;
type Ended = Shown & Pick<RunView, "status" | "parent">;

export function foldRun(whole: RunView): FoldedRun {
  const { result: _, output: __, ...view } = whole;
  const hasFailed = view.steps.some(({ status, items }) => status === "failed" || (items?.failed ?? 0) > 0);
  return { ...view, steps: foldSteps(view.steps), hasFailed };
}

/** The live card of a run: a line for each step, until when, and the buttons that make sense now. */
export function renderRunCard(run: FoldedRun, place: CardPlace): Payload {
  const headline = `### ${cut(runHeadline(run), 200)}`;
  const small = place.movedTo ? [`continued in ${place.movedTo}`] : smallPrint(run, place);
  const footer = `asked by ${cut(asLine(run.asker), 80)} · ${markOf(cardDelivery(run.id), place.part)}`;
  const steps = place.movedTo ? "" : stepLines(run.steps, STEPS_ROOM);
  const body = [headline, ...(steps ? [steps] : []), ...[...small, footer].map((line) => `-# ${line}`)];
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: runLook(run).colour,
        components: [
          text(body.join("\n")),
          ...(place.movedTo
            ? []
            : [{ type: ComponentType.ActionRow as const, components: [...cardButtons(run)] }]),
        ],
      },
    ],
    files: [],
  };
}

function smallPrint(run: FoldedRun, place: CardPlace): readonly string[] {
  const reason = run.reason ? [cut(asLine(run.reason), 300)] : [];
  if (isRunSettled(run.status)) {
    const at = run.settledAt === undefined ? "" : `finished ${relative(run.settledAt)}`;
    const where =
      run.deliver && place.results && run.status !== "canceled" ? ` · result in <#${place.results}>` : "";
    return [...reason, `${at}${where}`];
  }
  const stopped = run.stopped
    ? [`${run.stopped.failures} failures: nothing new begins until somebody answers`]
    : [];
  return [...stopped, ...reason, `started ${relative(run.startedAt)} · deadline ${relative(run.deadlineAt)}`];
}

function cardButtons(run: FoldedRun) {
  const { id } = run;
  if (run.stopped && !isRunSettled(run.status)) return [...answerButtons(run), showButton(id)];
  if (!isRunSettled(run.status)) return [cancelButton(id), showButton(id)];
  return endedButtons(run, run.hasFailed);
}

/** Once it has ended: what failed once more, or all of it in a new run. */
export function endedButtons(run: Ended, hasFailed: boolean) {
  const { id, status, parent } = run;
  const isShort = hasFailed || status === "failed" || status === "canceled";
  return [
    ...(hasFailed ? [retryButton(run)] : []),
    ...(isShort && !parent ? [button("restart", "Restart run", id)] : []),
    showButton(id),
  ];
}

/** The ways on after too many failures. */
export function answerButtons(run: Shown) {
  const { id } = run;
  return [
    retryButton(run),
    button("adjust", "Adjust…", id),
    button("accept", "Accept partial", id),
    cancelButton(id),
  ];
}

export function showButton(run: string, label = "Show") {
  return button("show", label, run);
}

/** Of the run as it is shown: of two people who press on it one has it retried, the other is told so. */
function retryButton(run: Shown) {
  return button("retry", "Retry failed", runSubject(run), ButtonStyle.Primary);
}

function cancelButton(run: string) {
  return button("cancel", "Cancel", run, ButtonStyle.Danger);
}

export type OurStyle = Exclude<ButtonStyle, ButtonStyle.Link | ButtonStyle.Premium>;

export function button(
  action: string,
  label: string,
  subject: string,
  style: OurStyle = ButtonStyle.Secondary,
) {
  return {
    type: ComponentType.Button as const,
    style,
    label,
    custom_id: customId(action, subject),
  };
}
