import { cut, oneLine } from "../kernel/text.ts";
import { isHandoffStatus } from "./handoff-text.ts";
import type { Confidence, HandoffStatus, Usage } from "./handoff-types.ts";
import { CONFIDENCES, HANDOFF_STATUSES } from "./handoff-types.ts";

export const SCHEMA_VERSION = "1.0";
const KNOWN_MAJOR = "1";
/** Caps, in characters and entries. */
export const MAX_NOTES = 20_000;
export const MAX_ARTIFACTS = 100;
const MAX_ARTIFACT_LENGTH = 2_000;

export const FIELDS = [
  "schemaVersion",
  "runId",
  "agent",
  "status",
  "result",
  "artifacts",
  "confidence",
  "notes",
  "timestamp",
] as const;
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

/** What the fields are read with: where problems and remarks go. `mend` is a problem in strict mode, a remark otherwise. */
export type Reading = {
  readonly source: Readonly<Record<string, unknown>>;
  readonly isStrict: boolean;
  readonly format: "json" | "text";
  readonly write: (value: unknown) => string;
  readonly problem: (path: string, message: string) => void;
  readonly remark: (text: string) => void;
  readonly mend: (path: string, message: string, mended: string) => void;
};

export function readVersion({ source, mend }: Reading): string {
  const version = source.schemaVersion;
  if (isAbsent(version)) {
    mend("schemaVersion", `is missing; write "${SCHEMA_VERSION}"`, `read as ${SCHEMA_VERSION}`);
    return SCHEMA_VERSION;
  }
  if (typeof version !== "string" || !/^\d{1,4}(\.\d{1,4}){0,2}$/.test(version)) {
    mend("schemaVersion", `must be text like "${SCHEMA_VERSION}", is ${shown(version)}`, "read anyway");
    return typeof version === "number" ? String(version) : SCHEMA_VERSION;
  }
  if (version.split(".")[0] !== KNOWN_MAJOR) {
    mend("schemaVersion", `${version} is not known here; write "${SCHEMA_VERSION}"`, "read anyway");
  }
  return version;
}

export function readRunId({ source, problem }: Reading, runId: string): void {
  if (isAbsent(source.runId)) problem("runId", `is missing; write "${runId}"`);
  else if (source.runId !== runId) problem("runId", `must be "${runId}", is ${shown(source.runId)}`);
}

export function readAgent({ source, problem }: Reading, agent: string, aliases: readonly string[]): void {
  const given = source.agent;
  if (isAbsent(given)) return problem("agent", `is missing; write "${agent}"`);
  const word = typeof given === "string" ? given.trim().toLowerCase() : undefined;
  const isSame = word !== undefined && [agent, ...aliases].some((name) => name.toLowerCase() === word);
  if (!isSame) problem("agent", `must be "${agent}", is ${shown(given)}`);
}

export function readStatus({ source, isStrict, problem, remark }: Reading): HandoffStatus | undefined {
  const given = source.status;
  const allowed = HANDOFF_STATUSES.join(", ");
  if (isAbsent(given)) {
    problem("status", `is missing; one of ${allowed}`);
    return undefined;
  }
  if (typeof given === "string") {
    if (isHandoffStatus(given)) return given;
    const word = given.trim().toLowerCase();
    if (!isStrict && isHandoffStatus(word)) {
      remark(`status ${shown(given)} was read as ${word}`);
      return word;
    }
  }
  problem("status", `must be one of ${allowed}, is ${shown(given)}`);
  return undefined;
}

export function readResult(reading: Reading, status: HandoffStatus | undefined): string {
  const given = reading.source.result;
  if (isAbsent(given)) {
    reading.problem("result", "is missing; say what came out, as text");
    return "";
  }
  let result: string;
  if (typeof given === "string") {
    result = clean(given);
  } else {
    const what = `is ${kindOf(given)}, not text`;
    if (reading.format === "json") reading.remark(`result ${what}; written out as JSON`);
    else reading.mend("result", what, "written out as JSON");
    result = clean(reading.write(given));
  }
  if (status === "complete" && isEmpty(given, result)) {
    reading.problem("result", "is empty although the status is complete; say what came out");
  }
  return result;
}

function isEmpty(given: unknown, result: string): boolean {
  if (typeof given === "object" && given !== null) return Object.keys(given).length === 0;
  return result.trim() === "";
}

export function readArtifacts({ source, mend }: Reading): readonly string[] {
  const given = source.artifacts;
  if (isAbsent(given)) {
    mend("artifacts", "is missing; write [] when there are none", "read as none");
    return [];
  }
  if (!Array.isArray(given)) {
    mend("artifacts", `must be a list of paths or links, is ${kindOf(given)}`, "kept when it was one text");
  }
  const entries: readonly unknown[] = Array.isArray(given) ? given : typeof given === "string" ? [given] : [];
  if (entries.length > MAX_ARTIFACTS) {
    mend(
      "artifacts",
      `has ${entries.length} entries, at most ${MAX_ARTIFACTS} are kept`,
      "the rest is left out",
    );
  }
  const kept: string[] = [];
  for (const [index, entry] of entries.slice(0, MAX_ARTIFACTS).entries()) {
    const fault = artifactFault(entry);
    if (fault) mend(`artifacts.${index}`, fault, "left out");
    else kept.push(clean(String(entry)));
  }
  return kept;
}

function artifactFault(entry: unknown): string | undefined {
  if (typeof entry !== "string") return `must be a path or a link as text, is ${kindOf(entry)}`;
  if (entry.trim() === "") return "is empty";
  if (entry.length > MAX_ARTIFACT_LENGTH) return `is longer than ${MAX_ARTIFACT_LENGTH} characters`;
  return /[\u0000-\u001f\u007f]/.test(entry) ? "contains control characters" : undefined;
}

export function readConfidence({ source, isStrict, mend, remark }: Reading): Confidence | undefined {
  const given = source.confidence;
  const allowed = CONFIDENCES.join(", ");
  if (isAbsent(given)) {
    mend("confidence", `is missing; one of ${allowed}`, "left open");
    return undefined;
  }
  const isLevel = (word: unknown): word is Confidence => (CONFIDENCES as readonly unknown[]).includes(word);
  if (isLevel(given)) return given;
  const word = typeof given === "string" ? given.trim().toLowerCase() : undefined;
  if (!isStrict && isLevel(word)) {
    remark(`confidence ${shown(given)} was read as ${word}`);
    return word;
  }
  mend("confidence", `must be one of ${allowed}, is ${shown(given)}`, "left open");
  return undefined;
}

export function readNotes({ source, mend, write }: Reading): string {
  const given = source.notes;
  if (isAbsent(given)) {
    mend("notes", 'is missing; write "" when there is nothing to say', "read as empty");
    return "";
  }
  let notes: string;
  if (typeof given === "string") {
    notes = clean(given);
  } else {
    mend("notes", `must be text, is ${kindOf(given)}`, "written out");
    const isLines = Array.isArray(given) && given.every((line) => typeof line === "string");
    notes = clean(isLines ? given.join("\n") : write(given));
  }
  if (notes.length > MAX_NOTES) {
    mend("notes", `has ${notes.length} characters, at most ${MAX_NOTES} are kept`, "the rest is cut off");
  }
  return cut(notes, MAX_NOTES);
}

export function readTimestamp({ source, mend }: Reading): string | undefined {
  const given = source.timestamp;
  if (isAbsent(given)) {
    mend("timestamp", "is missing; write the time in ISO 8601", "left open");
    return undefined;
  }
  if (typeof given === "string" && INSTANT.test(given) && !Number.isNaN(Date.parse(given.slice(0, 10)))) {
    return given;
  }
  mend("timestamp", `must be a time in ISO 8601 like 2026-02-17T12:00:00Z, is ${shown(given)}`, "left open");
  return undefined;
}

const AMOUNTS = ["inputTokens", "outputTokens", "usd"] as const;

/** What is not a proper amount is dropped with a remark: unknown is absent, never 0. */
export function readUsage({ source, remark }: Reading): Usage | undefined {
  const given = source.usage;
  if (isAbsent(given)) return undefined;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    remark(`usage must be an object, is ${kindOf(given)}; left out`);
    return undefined;
  }
  const said = given as Readonly<Record<string, unknown>>;
  const usage: { -readonly [Key in keyof Usage]: Usage[Key] } = {};
  for (const name of AMOUNTS) {
    const amount = said[name];
    if (isAbsent(amount)) continue;
    const isAmount = typeof amount === "number" && Number.isFinite(amount) && amount >= 0;
    if (isAmount && (name === "usd" || Number.isSafeInteger(amount))) usage[name] = amount;
    else remark(`usage.${name} ${shown(amount)} is not an amount; left out`);
  }
  if (typeof said.source === "string" && said.source.trim() !== "") usage.source = oneLine(said.source, 100);
  return AMOUNTS.some((name) => usage[name] !== undefined) ? usage : undefined;
}

export function remarkStrangers({ source, remark }: Reading): void {
  const known: readonly string[] = [...FIELDS, "usage"];
  const strangers = Object.keys(source).filter((key) => !known.includes(key));
  if (strangers.length === 0) return;
  const names = strangers.slice(0, 5).map((key) => oneLine(key, 40));
  remark(`not read, since not part of the format: ${names.join(", ")}${strangers.length > 5 ? ", …" : ""}`);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Stores and terminals choke on NUL and on halves of pairs. */
function clean(text: string): string {
  return text.replaceAll("\u0000", "\ufffd").toWellFormed();
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return value === undefined ? "nothing" : `a ${typeof value}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${oneLine(value, 80)}"`;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : kindOf(value);
}
