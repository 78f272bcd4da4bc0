import { type Answer, type Question, sampleLine } from "../answer.ts";
import { attachedIn } from "../stated.ts";
import { factsIn, parsed } from "./facts.ts";

/** The scale that a vote is asked on, from the worst to the best. */
const RATINGS = ["strong_reject", "reject", "neutral", "approve", "strong_approve"] as const;
type Rating = (typeof RATINGS)[number];

/** What a sentence means to an expert: steps up or down the scale from neutral. */
type Rule = { readonly when: RegExp; readonly steps: number; readonly why: string };

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  legal: [
    {
      when: /unlimited liability|without (?:a )?cap|no (?:liability )?cap/i,
      steps: -2,
      why: "the liability has no cap",
    },
    {
      when: /auto(?:matic(?:ally)?)?[- ]?renew|exclusiv|penalt/i,
      steps: -1,
      why: "it binds us beyond the term",
    },
    {
      when: /(?:liability|damages) (?:is |are )?(?:capped|limited)|standard terms|our terms/i,
      steps: 1,
      why: "the terms are the usual ones",
    },
    { when: /data processing agreement|\bdpa\b/i, steps: 1, why: "data protection is settled" },
  ],
  sales: [
    {
      when: /pilot (?:was|went|is) |reference|budget (?:is )?approved|signed/i,
      steps: 1,
      why: "the customer is ready to buy",
    },
    {
      when: /renew(?:al|ed|s)|expan(?:d|sion)|multi-?year|(?:three|four|five|[3-9])[- ]year/i,
      steps: 1,
      why: "it is long or grows",
    },
    { when: /no budget|competitor|undecided|lost/i, steps: -1, why: "somebody else may win it" },
  ],
  finance: [
    {
      when: /(?:[3-9]\d) ?% (?:discount|off)|discount of (?:[3-9]\d) ?%/i,
      steps: -2,
      why: "the discount is 30 % or more",
    },
    {
      when: /(?:[12]\d) ?% (?:discount|off)|discount of (?:[12]\d) ?%/i,
      steps: -1,
      why: "the discount is 10 % or more",
    },
    { when: /(?:[6-9]\d|1\d\d) days/i, steps: -1, why: "the money comes late" },
    {
      when: /paid (?:in advance|yearly in advance)|prepaid|30 days/i,
      steps: 1,
      why: "the money comes early",
    },
    { when: /margin of (?:[4-9]\d) ?%|(?:[4-9]\d) ?% margin/i, steps: 1, why: "the margin is healthy" },
  ],
};

const LINES = /You are an expert who judges as (.+?), and from no other point of view\./;

/** Asked for a vote, an agent judges the named points of its role by a small table. */
export function castVote(question: Question): Answer | undefined {
  const role = LINES.exec(question.objective)?.[1];
  if (role === undefined) return undefined;
  const domain = Object.keys(RULES).find((word) => role.toLowerCase().includes(word));
  const text = `${proposalIn(question.objective)}\n${factsIn(question)
    .map((fact) => fact.text)
    .join("\n")}`;
  const met = (domain === undefined ? [] : (RULES[domain] ?? [])).filter(({ when }) => when.test(text));
  const steps = met.reduce((sum, rule) => sum + rule.steps, 0);
  const verdict = RATINGS[Math.max(0, Math.min(4, 2 + steps))] ?? "neutral";
  const whyIn = (sign: number) => met.filter((rule) => Math.sign(rule.steps) === sign).map(({ why }) => why);
  const nothing =
    domain === undefined ? `no table for ${role}` : `the proposal says nothing that ${role} decides by`;
  const recommendation =
    met.length === 0
      ? `Undecided: ${nothing}.`
      : `${spoken(verdict)}: ${met.map(({ why }) => why).join(", ")}.`;
  const vote = {
    expert_role: role,
    verdict,
    confidence: met.length === 0 ? "low" : "medium",
    assessment: { strengths: whyIn(1), concerns: whyIn(-1), risks: [], alternatives: [] },
    recommendation,
  };
  return {
    status: "complete",
    result: JSON.stringify(vote, undefined, 2),
    confidence: met.length === 0 ? "low" : "medium",
    notes: `Sample agent ${question.agent}: judged by ${RULES[domain ?? ""]?.length ?? 0} keywords, nothing was weighed.`,
  };
}

/** What is to be judged, without the template's words around it. */
function proposalIn(objective: string): string {
  return /Judge this proposal:\n([\s\S]*?)(?=\n## |$)/.exec(objective)?.[1] ?? "";
}

const spoken = (rating: Rating) => {
  const words = rating.replace("_", " ");
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}`;
};

const COLOURS: Readonly<Record<Rating, string>> = {
  strong_approve: "🟢 GREEN",
  approve: "🟢 GREEN",
  neutral: "🟡 YELLOW",
  reject: "🔴 RED",
  strong_reject: "🔴 RED",
};

type Panel = {
  readonly verdict?: Rating;
  readonly votes?: readonly {
    readonly role: string;
    readonly verdict: Rating;
    readonly recommendation: string;
  }[];
  readonly dissent?: readonly { readonly role: string; readonly quote: string }[];
  readonly missing?: readonly { readonly role: string; readonly why: string }[];
};

function panelIn(material: string): Panel | undefined {
  return attachedIn(material)
    .map(({ text }) => parsed(text) as Panel | undefined)
    .find((one) => one?.votes);
}

/** The consensus of a panel: its verdict and the votes for and against it, in a sentence each. */
export function writeConsensus({ agent, objective, material }: Question): Answer | undefined {
  if (!/^Write the consensus of a panel\b/i.test(objective)) return undefined;
  const panel = panelIn(material);
  if (!panel) return undefined;
  const { verdict, votes = [], dissent = [], missing = [] } = panel;
  const against = new Set(dissent.map(({ role }) => role));
  return {
    status: "complete",
    result: [
      `**Consensus: ${verdict ? spoken(verdict) : "no verdict"}**`,
      ...votes.map(
        ({ role, recommendation }) =>
          `- ${role} ${against.has(role) ? "dissents" : "agrees"}: ${recommendation}`,
      ),
      ...missing.map(({ role, why }) => `- open: ${role} has not voted, ${why}`),
      "",
      sampleLine(agent, "set down who agrees and who dissents, nothing was weighed"),
    ].join("\n"),
    confidence: missing.length > 0 ? "low" : "medium",
    notes: "Sample agent: verdict and votes are those of the panel.",
  };
}

/** The brief of a deal: a colour for each domain, from the votes of its panel. */
export function writeBrief({ agent, objective, material }: Question): Answer | undefined {
  if (!/^Write the deal brief\b/i.test(objective)) return undefined;
  const panel = panelIn(material);
  if (!panel) return undefined;
  const { verdict, votes = [], dissent = [], missing = [] } = panel;
  return {
    status: "complete",
    result: [
      `**Deal brief: ${verdict ? spoken(verdict) : "no verdict"}**`,
      ...votes.map((vote) => `- ${vote.role}: ${COLOURS[vote.verdict]}. ${vote.recommendation}`),
      ...missing.map(({ role, why }) => `- ${role}: ⚪ NOT RATED, ${why}`),
      ...dissent.map(({ role, quote }) => `Dissent of ${role}: “${quote}”`),
      "",
      sampleLine(agent, "set the votes down as colours, nothing was weighed"),
    ].join("\n"),
    confidence: missing.length > 0 ? "low" : "medium",
    notes: "Sample agent: the colours are those of the votes.",
  };
}
