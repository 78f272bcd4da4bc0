import { RATINGS as BEST_FIRST } from "./templates/consensus-check.ts";

/** What an expert may say of a proposal, from the worst to the best. */
export const RATINGS = BEST_FIRST.toReversed();
export type Rating = (typeof BEST_FIRST)[number];

/** What one expert handed in. */
export type Vote = {
  readonly verdict: Rating;
  readonly confidence: "high" | "medium" | "low";
  readonly recommendation: string;
  readonly strengths: readonly string[];
  readonly concerns: readonly string[];
};

/** An expert's vote, or why there is none. */
export type Ballot = { readonly role: string; readonly agent?: string } & (
  | { readonly vote: Vote }
  | { readonly missing: string }
);

export type PanelVerdict = {
  /** Absent below the quorum: too few have voted to say anything. */
  readonly verdict?: Rating;
  readonly confidence?: "high" | "medium" | "low";
  readonly quorum: { readonly needed: number; readonly answered: number; readonly asked: number };
  readonly votes: readonly (Vote & { readonly role: string; readonly agent?: string })[];
  /** Who stands on another side than the verdict, in their own words. */
  readonly dissent: readonly {
    readonly role: string;
    readonly agent?: string;
    readonly verdict: Rating;
    readonly quote: string;
  }[];
  readonly missing: readonly { readonly role: string; readonly agent?: string; readonly why: string }[];
};

/**
 * The verdict of a panel. It is the median of the votes on the five-value scale: half of them are at least as good,
 * half at least as bad, whatever an extreme one says. With an even number of votes it is the mean of the two in the
 * middle, and one that falls between two values goes to the worse: a tie goes to caution.
 */
export function concludePanel(ballots: readonly Ballot[], needed: number): PanelVerdict {
  const votes = ballots.flatMap((ballot) => ("vote" in ballot ? [{ ...whoOf(ballot), ...ballot.vote }] : []));
  const missing = ballots.flatMap((ballot) =>
    "missing" in ballot ? [{ ...whoOf(ballot), why: ballot.missing }] : [],
  );
  const quorum = { needed, answered: votes.length, asked: ballots.length };
  if (votes.length === 0 || votes.length < needed) return { quorum, votes, dissent: [], missing };
  const verdict = medianOf(votes.map((vote) => vote.verdict));
  const dissent = votes
    .filter((vote) => sideOf(vote.verdict) !== sideOf(verdict))
    .map((vote) => ({ ...whoOf(vote), verdict: vote.verdict, quote: quoteOf(vote) }));
  return {
    verdict,
    confidence: confidenceOf(votes, dissent.length, quorum),
    quorum,
    votes,
    dissent,
    missing,
  };
}

function whoOf({ role, agent }: { readonly role: string; readonly agent?: string }) {
  return { role, ...(agent === undefined ? {} : { agent }) };
}

function medianOf(ratings: readonly Rating[]): Rating {
  const places = ratings.map((rating) => RATINGS.indexOf(rating)).sort((a, b) => a - b);
  const upper = places[Math.floor(places.length / 2)] ?? 0;
  const lower = places[Math.floor((places.length - 1) / 2)] ?? 0;
  return RATINGS[Math.floor((lower + upper) / 2)] ?? "neutral";
}

/** For, against, or neither. */
function sideOf(rating: Rating): -1 | 0 | 1 {
  const place = RATINGS.indexOf(rating) - RATINGS.indexOf("neutral");
  return place > 0 ? 1 : place < 0 ? -1 : 0;
}

/** What speaks most for a vote: its recommendation, else its first concern or strength. */
function quoteOf({ verdict, recommendation, concerns, strengths }: Vote): string {
  const points = sideOf(verdict) > 0 ? [...strengths, ...concerns] : [...concerns, ...strengths];
  return [recommendation, ...points].find((text) => text.trim() !== "") ?? "(gave no reason)";
}

/**
 * High: all who were asked have voted on the verdict's side, none of them with low confidence. Low: not even half of
 * those asked stand on its side; who is missing does not. Medium: anything between.
 */
function confidenceOf(
  votes: readonly Vote[],
  dissenting: number,
  { asked }: PanelVerdict["quorum"],
): "high" | "medium" | "low" {
  const agreeing = votes.length - dissenting;
  if (agreeing * 2 < asked) return "low";
  return agreeing === asked && votes.every(({ confidence }) => confidence !== "low") ? "high" : "medium";
}

/** A vote as it was handed in; undefined when it is none. */
export function readVote(value: unknown): Vote | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { verdict, confidence, recommendation, assessment } = value as Readonly<Record<string, unknown>>;
  const rating = RATINGS.find((one) => one === verdict);
  const sureness = (["high", "medium", "low"] as const).find((one) => one === confidence);
  if (!rating || !sureness || typeof recommendation !== "string") return undefined;
  const { strengths, concerns, risks } = (assessment ?? {}) as Readonly<Record<string, unknown>>;
  return {
    verdict: rating,
    confidence: sureness,
    recommendation,
    strengths: textsIn(strengths),
    concerns: [...textsIn(concerns), ...textsIn(risks)],
  };
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** The verdict for people, dissent quoted, and who is missing. */
export function verdictText({ verdict, confidence, quorum, votes, dissent, missing }: PanelVerdict): string {
  const { needed, answered, asked } = quorum;
  const head =
    verdict === undefined
      ? `No verdict: ${answered} of ${asked} experts have voted, and ${needed} are needed.`
      : `Verdict: ${spoken(verdict)} (confidence ${confidence}); ${answered} of ${asked} experts have voted.`;
  return [
    head,
    ...votes.map((vote) => `- ${nameOf(vote)}: ${spoken(vote.verdict)}. ${quoteOf(vote)}`),
    ...dissent.map((one) => `Dissent of ${nameOf(one)} (${spoken(one.verdict)}): “${one.quote}”`),
    ...missing.map((one) => `Missing: ${nameOf(one)}: ${one.why}`),
  ].join("\n");
}

function nameOf({ role, agent }: { readonly role: string; readonly agent?: string }): string {
  return agent === undefined ? role : `${role} (${agent})`;
}

function spoken(rating: Rating): string {
  return rating.replace("_", " ");
}

const texts = { type: "array", items: { type: "string" } } as const;

const rating = { enum: RATINGS } as const;
const who = { role: { type: "string" }, agent: { type: "string" } } as const;

/** What steps after a panel can compute with. */
export const VERDICT_SCHEMA = {
  type: "object",
  properties: {
    verdict: rating,
    confidence: { enum: ["high", "medium", "low"] },
    quorum: {
      type: "object",
      properties: { needed: { type: "integer" }, answered: { type: "integer" }, asked: { type: "integer" } },
    },
    votes: {
      type: "array",
      items: {
        type: "object",
        properties: {
          ...who,
          verdict: rating,
          confidence: { type: "string" },
          recommendation: { type: "string" },
          strengths: texts,
          concerns: texts,
        },
      },
    },
    dissent: {
      type: "array",
      items: { type: "object", properties: { ...who, verdict: rating, quote: { type: "string" } } },
    },
    missing: { type: "array", items: { type: "object", properties: { ...who, why: { type: "string" } } } },
  },
} as const;
