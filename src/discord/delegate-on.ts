import { ComponentType, TextInputStyle } from "discord.js";
import type { DelegationView } from "../domain/view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import { agentMenu } from "./agent-choices.ts";
import { askAgent } from "./ask-agent.ts";
import type { Deed } from "./command.ts";
import { customId } from "./custom-id.ts";

const LONGEST_TEXT = 4000;

/** Delegate on…: who goes on with what an agent handed in, and what is to be done with it. */
export const delegateOnDeed: Deed = {
  async opens(asked, { verbs }) {
    const before = await verbs.delegation(asked.subject ?? "");
    resultOf(before);
    const { menu, left } = agentMenu("agent", await verbs.agents());
    return {
      custom_id: customId("on", before.id),
      title: "Delegate on",
      components: [
        {
          type: ComponentType.Label,
          label: "Agent",
          ...(left > 0 ? { description: `${left} more do not fit in here; /delegate finds them all` } : {}),
          component: { ...menu, required: true },
        },
        {
          type: ComponentType.Label,
          label: "Objective",
          description: cut(
            `What is to be done with what ${before.agent} handed in; it goes along whole`,
            100,
          ),
          component: {
            type: ComponentType.TextInput,
            custom_id: "objective",
            style: TextInputStyle.Paragraph,
            required: true,
            min_length: 1,
            max_length: LONGEST_TEXT,
          },
        },
      ],
    };
  },
  execute: () => Promise.reject(nothing()),
};

export const delegatedOnDeed: Deed = {
  async execute(asked, context) {
    const before = await context.verbs.delegation(asked.subject ?? "");
    const { agent = "", objective = "" } = asked.fields ?? {};
    // The card goes where the first one was asked, not between the results.
    const channel = before.origin.channel ?? asked.channel;
    return askAgent({ ...asked, channel }, context, {
      agent,
      objective,
      attachments: [{ name: `${before.id}.md`, text: resultOf(before) }],
      ifDown: "refuse",
    });
  },
};

function resultOf({ handoff }: DelegationView): string {
  if (!handoff?.result.trim()) throw nothing();
  return handoff.result;
}

function nothing(): Refusal {
  return new Refusal("invalid_input", "Nothing was handed in that could be passed on.", {
    hint: "Use `/delegate` for something new.",
  });
}
