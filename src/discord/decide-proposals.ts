import type { ProposalDecision } from "../domain/work-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Deed } from "./command.ts";
import { parseProposalsSubject } from "./render-proposals.ts";
import { asLine } from "./sanitize.ts";

/** The buttons of proposals: bound to what the person was shown. */
export const acceptProposalsDeed = decideDeed("accepted");
export const dismissProposalsDeed = decideDeed("dismissed");

function decideDeed(decision: ProposalDecision): Deed {
  return {
    async execute({ subject = "" }, { verbs, actor }) {
      const shown = parseProposalsSubject(subject);
      if (!shown) {
        throw new Refusal("not_found", "Those proposals are from another time; they do not wait any more.", {
          hint: "`hq evolve log` shows what was proposed.",
        });
      }
      const { slug, round } = shown;
      const { written = [], delegation } = await verbs.evolve.decide(actor, slug, decision, { round });
      const done = [
        ...(written.length > 0 ? [`written into ${written.join(" and ")}`] : []),
        ...(delegation === undefined ? [] : ["sent to the agent"]),
      ];
      const what = decision === "accepted" ? `Accepted, ${done.join(" and ")}` : "Dismissed";
      const small = delegation === undefined ? "" : `\n-# ${delegation}`;
      return { text: `${what}: **${asLine(slug)}**.${small}`, outcome: `${decision} ${slug}` };
    },
  };
}
