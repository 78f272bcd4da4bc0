import type { RunEvent } from "../domain/run-types.ts";
import { isRunSettled } from "../domain/run-types.ts";
import type { RunView } from "../domain/run-view.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { CommandContext, Deed } from "./command.ts";
import { onceMore } from "./same-click.ts";
import { startedAnswer } from "./start-workflow.ts";

/** Restart run: a new run of the workflow as it is now, with the inputs of one that has ended, in the clicker's name. */
export const restartDeed: Deed = {
  async execute(asked, context) {
    const { verbs, actor, now } = context;
    const before = await verbs.runs.run(asked.subject ?? "");
    await refuseUnfit(before, context);
    // The card goes where the first one was asked, not between the results.
    const channel = before.origin.channel ?? asked.channel;
    const run = await onceMore(asked.takenAt ?? now, async (time) => {
      const { run: made, repeated } = await verbs.runs.startRun(actor, {
        workflow: before.workflow,
        inputs: before.inputs,
        deliver: before.deliver,
        key: { scope: "restart", key: `${before.id}#${asked.user.id}#${time}` },
        card: { channel },
        origin: { door: "discord", channel, ...(asked.guild ? { guild: asked.guild } : {}) },
      });
      return { made, repeated, settledAt: isRunSettled(made.status) ? made.settledAt : undefined };
    });
    if (run) return startedAnswer(run, context);
    throw new Refusal("rate_limited", `${before.id} was begun anew too often.`, {
      hint: "Use `/workflow run` for more.",
    });
  },
};

async function refuseUnfit({ id, status, workflow, parent }: RunView, { verbs }: CommandContext) {
  if (!isRunSettled(status)) {
    throw new Refusal("invalid_input", `${id} has not ended; it can be begun anew after that.`, {
      hint: `\`hq workflow status ${id}\` shows how far it is, \`hq workflow cancel ${id}\` ends it.`,
    });
  }
  if (parent) {
    throw new Refusal("invalid_input", `${id} is the step ${parent.step} of ${parent.run}.`, {
      hint: `\`hq workflow retry ${parent.run} ${parent.step}\` does it once more.`,
    });
  }
  const [first] = await verbs.history(id);
  const event = first?.body as RunEvent | undefined;
  if (event?.type === "run.started" && event.order.definition.pipeline) {
    throw new Refusal("invalid_input", `${workflow} is a pipeline, and in no file to begin it from.`, {
      hint: "`hq workflow pipeline --name … --stage …` makes another one.",
    });
  }
}
