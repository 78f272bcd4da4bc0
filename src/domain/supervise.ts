import { cut, oneLine } from "../kernel/text.ts";
import type { StepStatus } from "./run-types.ts";

/** A piece of work that the supervising agent gave to a worker, and what it came to. */
export type Piece = {
  readonly round: number;
  readonly agent: string;
  readonly task: string;
  readonly status: StepStatus;
  readonly result: string;
};

/** What the supervising agent says in a round. */
export type Say = {
  readonly done: boolean;
  readonly result?: string;
  readonly next?: readonly { readonly agent: string; readonly task: string }[];
};

export type Supervised = {
  readonly done: boolean;
  /** Rounds in which the supervising agent has answered. */
  readonly rounds: number;
  /** What it handed in, when it was done. */
  readonly result?: string;
  readonly pieces: readonly Piece[];
  /** Of these, what came to nothing. */
  readonly failed: readonly Piece[];
};

const LONGEST_PIECE = 2000;
const LONGEST_TEXT = 60_000;

export function readSay(value: unknown): Say | undefined {
  const isSay = typeof value === "object" && value !== null && "done" in value;
  return isSay && typeof value.done === "boolean" ? (value as Say) : undefined;
}

export function supervised(last: Say | undefined, rounds: number, pieces: readonly Piece[]): Supervised {
  const failed = pieces.filter(({ status }) => status !== "succeeded" && status !== "partial");
  const result = last?.done === true ? last.result : undefined;
  return { done: last?.done === true, rounds, ...(result === undefined ? {} : { result }), pieces, failed };
}

/** The deliverable; of work that is not finished, the pieces that there are, and that it is not. */
export function supervisedText({ done, result, pieces, failed }: Supervised, why: string): string {
  const gone = failed.map(
    ({ round, agent, task, status }) =>
      `Came to nothing: round ${round}, ${agent} (${status}): ${oneLine(task)}`,
  );
  if (done) return [result ?? "", ...gone].join("\n");
  const there = pieces
    .filter((piece) => !failed.includes(piece))
    .map((piece) => `## ${oneLine(piece.task)}\n${piece.agent}: ${cut(piece.result, LONGEST_PIECE)}`);
  return cut([`Not finished: ${why}. What there is:`, ...there, ...gone].join("\n"), LONGEST_TEXT);
}

/** What the supervising agent hands in: the deliverable, or what is to be done next and by whom. */
export function saySchema(workers: readonly string[], most: number): object {
  return {
    title: "Supervision round",
    type: "object",
    additionalProperties: false,
    required: ["done"],
    properties: {
      done: { type: "boolean" },
      result: { type: "string", minLength: 1 },
      next: {
        type: "array",
        maxItems: most,
        items: {
          type: "object",
          additionalProperties: false,
          required: ["agent", "task"],
          properties: { agent: { enum: workers }, task: { type: "string", minLength: 1, maxLength: 8000 } },
        },
      },
    },
    anyOf: [
      { required: ["result"], properties: { done: { const: true } } },
      { required: ["next"], properties: { done: { const: false }, next: { minItems: 1 } } },
    ],
  };
}

const text = { type: "string" } as const;
const pieces = {
  type: "array",
  items: {
    type: "object",
    properties: { round: { type: "integer" }, agent: text, task: text, status: text, result: text },
  },
} as const;

/** What steps after it can compute with. */
export const SUPERVISED_SCHEMA = {
  type: "object",
  properties: {
    done: { type: "boolean" },
    rounds: { type: "integer" },
    result: text,
    pieces,
    failed: pieces,
  },
} as const;
