import { digestOf } from "../kernel/id.ts";
import { LIMITS } from "./limits.ts";

/** What a button or select says when it is used. The state is in the ledger, so buttons survive restarts. */
export type PressId = { readonly action: string; readonly subject: string };

const VERSION = "d1";

/** `d1:<action>:<subject>`; a subject that would not fit becomes `#` and 40 characters of its digest. */
export function customId(action: string, subject: string): string {
  const id = `${VERSION}:${action}:${subject}`;
  return id.length <= LIMITS.customIdChars ? id : `${VERSION}:${action}:${hashedSubject(subject)}`;
}

export function hashedSubject(subject: string): string {
  return `#${digestOf(subject).slice(0, 40)}`;
}

/** Undefined for ids that are not ours. */
export function parseCustomId(id: string): PressId | undefined {
  const match = /^d1:([a-z-]+):(.+)$/s.exec(id);
  return match?.[1] && match[2] ? { action: match[1], subject: match[2] } : undefined;
}

/** A run as somebody was shown it: what people asked of it until then is counted. */
export function runSubject({ id, resumes }: { readonly id: string; readonly resumes: number }): string {
  return `${id}/${resumes}`;
}

/** Without `resumes` for a message of an earlier version, which named the run alone. */
export function parseRunSubject(subject: string): { readonly run: string; readonly resumes?: number } {
  const [run = "", resumes] = subject.split("/");
  return resumes === undefined ? { run } : { run, resumes: Number(resumes) };
}

/** A gate as its buttons name it; `digest` is of what the person was shown. */
export type GateSubject = {
  readonly run: string;
  readonly step: string;
  readonly generation: number;
  readonly digest: string;
};

export function gateSubject({ run, step, generation, digest }: GateSubject): string {
  return `${run}/${step}/${generation}/${digest}`;
}

/** Undefined when it is none, or a short form that fits no gate any more. */
export function parseGateSubject(subject: string): GateSubject | undefined {
  const [run, step, generation, digest, ...more] = subject.split("/");
  if (!run || !step || !generation || !digest || more.length > 0) return undefined;
  return { run, step, generation: Number(generation), digest };
}
