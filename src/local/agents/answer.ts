/** What an agent was asked: the objective alone, and everything that came with it. */
export type Question = {
  readonly agent: string;
  readonly objective: string;
  /** The objective together with attached context: results of others, channel history. */
  readonly material: string;
  /** JSON Schema that the result must fit, when the prompt names one. */
  readonly schema?: unknown;
};

/** What an agent gives back, before it becomes a handoff. */
export type Answer = {
  readonly status: "complete" | "partial" | "blocked" | "failed";
  readonly result: string;
  readonly confidence: "high" | "medium" | "low";
  readonly notes: string;
};

/** Every result ends with this, so that nobody takes a sample for a colleague. */
export function sampleLine(
  agent: string,
  what = "from a small built-in table, nothing was looked up",
): string {
  return `Sample agent ${agent}: ${what}.`;
}

export const SAMPLE_NOTE = "Sample data. Check the source named before you rely on a number.";
