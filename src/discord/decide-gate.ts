import { ComponentType, TextInputStyle } from "discord.js";
import type { RunView, StepView } from "../domain/run-view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import { type Answer, type Asked, type CommandContext, type Deed, option } from "./command.ts";
import { customId, type GateSubject, parseGateSubject } from "./custom-id.ts";
import { asLine } from "./sanitize.ts";

const LONGEST_REASON = 1000;

type Decision = "approve" | "reject";

/** `/workflow approve` and `/workflow reject`: what waits now, without having been shown. */
export function decideCommand(decision: Decision): Deed {
  return {
    execute: (asked, context) => {
      const step = option(asked, "step", "string")?.trim();
      const reason = option(asked, "reason", "string");
      const run = (option(asked, "run", "string") ?? "").trim();
      return decide(context, decision, {
        run,
        ...(step ? { step } : {}),
        ...(reason ? { reason } : {}),
      });
    },
  };
}

/** The buttons of a gate: bound to what the person was shown. */
export const approveDeed: Deed = {
  execute: (asked, context) => decide(context, "approve", gateOf(asked)),
};

/** Reject… asks for the reason first, when there is still something to reject. */
export const rejectDeed: Deed = {
  async opens(asked, context) {
    const { run, step, digest } = gateOf(asked);
    const view = await context.verbs.runs.run(run);
    const found = view.steps.find(({ id }) => id === step);
    if (found?.status !== "waiting" || found.gate?.digest !== digest) throw over(view, found, step);
    return {
      custom_id: customId("reject", asked.subject ?? ""),
      title: cut(`Reject ${step}`, 45),
      components: [
        {
          type: ComponentType.Label,
          label: "Reason",
          description: "Kept in the history and shown to everybody",
          component: {
            type: ComponentType.TextInput,
            custom_id: "reason",
            style: TextInputStyle.Paragraph,
            required: true,
            min_length: 1,
            max_length: LONGEST_REASON,
          },
        },
      ],
    };
  },
  execute: () => Promise.reject(gone()),
};

export const rejectedDeed: Deed = {
  execute: (asked, context) =>
    decide(context, "reject", { ...gateOf(asked), reason: asked.fields?.["reason"] ?? "" }),
};

function gateOf(asked: Asked): GateSubject {
  const gate = parseGateSubject(asked.subject ?? "");
  if (!gate) throw gone();
  return gate;
}

function gone(): Refusal {
  return new Refusal("not_found", "That gate is from another time; it does not wait any more.", {
    hint: "`hq workflow status` shows what waits now.",
  });
}

function over(view: RunView, found: StepView | undefined, step: string): Refusal {
  const gate = found?.gate;
  if (gate && gate.status !== "open") {
    const who = gate.decidedBy ? ` by ${gate.decidedBy}` : "";
    return new Refusal("already_settled", `${step} is already ${gate.status}${who}.`, {
      hint: `\`hq workflow status ${view.id}\` shows how it goes on; \`hq workflow rerun ${view.id} --from ${step}\` asks once more.`,
    });
  }
  const hint = "`hq workflow status` shows what waits now.";
  return new Refusal(
    "already_settled",
    `What waits at ${step} of ${view.id} now is not what you were shown.`,
    {
      hint,
    },
  );
}

type Wanted = {
  readonly run: string;
  readonly step?: string;
  readonly digest?: string;
  readonly reason?: string;
};

async function decide(context: CommandContext, decision: Decision, wanted: Wanted): Promise<Answer> {
  const { verbs, actor } = context;
  const { run, step, digest, reason } = wanted;
  const before = step === undefined ? await onlyOpen(context, run) : step;
  const view = await verbs.runs.decideGate(actor, {
    run,
    decision,
    ...(before === undefined ? {} : { step: before }),
    ...(digest === undefined ? {} : { digest }),
    ...(reason ? { reason } : {}),
  });
  const gate = view.steps.find(({ id }) => id === before)?.gate;
  const what = `**${asLine(view.workflow)}${before ? ` / ${before}` : ""}**`;
  const outcome = `${decision} ${run} ${before ?? ""}`.trim();
  if (gate?.status === "open") {
    const given = `${gate.approvals.length} of ${gate.min}`;
    return {
      text: `Your approval of ${what} is kept: ${given}. Others are still needed.\n-# ${run}`,
      outcome,
    };
  }
  const words = decision === "approve" ? `Approved ${what}; the run goes on.` : `Rejected ${what}.`;
  return { text: `${words}\n-# ${run}`, outcome };
}

/** The step that is meant when none is named: the one that waits. The verb refuses when there are several. */
async function onlyOpen({ verbs }: CommandContext, run: string): Promise<string | undefined> {
  const { steps } = await verbs.runs.run(run);
  const open = steps.filter(({ gate, status }) => status === "waiting" && gate?.status === "open");
  return open.length === 1 ? open[0]?.id : undefined;
}
