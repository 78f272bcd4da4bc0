import { REFUSALS, type RefusalCode } from "../kernel/refusal.ts";

/** How the orchestrator's contract words an error; its routes answer nothing else. */
export type SeedError = {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** The one of several that it is about. */
    readonly instance?: string;
    /** ISO 8601. */
    readonly timestamp: string;
  };
};

/** Codes that the contract has its own word for. */
export const SEED_CODES: Readonly<Partial<Record<RefusalCode, string>>> = {
  invalid_input: "bad_request",
  unsupported_media_type: "bad_request",
  unauthenticated: "unauthorized",
  agent_down: "instance_down",
  agent_draining: "instance_draining",
  agent_unauthorized: "unauthorized",
  unknown_agent: "not_found",
  timed_out: "timeout",
};

/** The code that a word of the contract stands for. */
export function codeOfSeed(word: string, status: number): string {
  const same = Object.entries(SEED_CODES).filter(([, seed]) => seed === word);
  const found = same.find(([code]) => REFUSALS[code as RefusalCode][0] === status) ?? same[0];
  return found?.[0] ?? word;
}
