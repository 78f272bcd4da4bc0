import type { Problem } from "../kernel/refusal.ts";
import type { Reading } from "./handoff-fields.ts";
import {
  FIELDS,
  kindOf,
  readAgent,
  readArtifacts,
  readConfidence,
  readNotes,
  readResult,
  readRunId,
  readStatus,
  readTimestamp,
  readUsage,
  readVersion,
  remarkStrangers,
  SCHEMA_VERSION,
} from "./handoff-fields.ts";
import { structureOf } from "./handoff-json.ts";
import { lastResultBlock, textBlock } from "./handoff-text.ts";
import type { CheckedHandoff, Handoff } from "./handoff-types.ts";

export { lastResultBlock } from "./handoff-text.ts";

export type HandoffCheck = {
  /** A parsed JSON value, or a string when text was handed in. */
  readonly document: unknown;
  readonly runId: string;
  readonly agent: string;
  /** Other names of the agent that it may sign with. */
  readonly aliases?: readonly string[];
  readonly mode: "strict" | "lenient";
  readonly format: "json" | "text";
  /** What reading the file already repaired. */
  readonly remarks?: readonly string[];
};

/** Every problem of a document at once, or the handoff that it is. */
export function checkHandoff(check: HandoffCheck): CheckedHandoff {
  const { document } = check;
  if (typeof document === "string" && check.format === "text") return parseTextHandoff(document, check);
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    const message = `must be a JSON object with the fields ${FIELDS.join(", ")}; it is ${kindOf(document)}`;
    return { ok: false, problems: [{ path: "", message }] };
  }
  const structure = structureOf(document);
  const problems: Problem[] = [...structure.problems];
  const remarks: string[] = [...(check.remarks ?? [])];
  const problem = (path: string, message: string) => {
    problems.push({ path, message });
  };
  const remark = (text: string) => {
    remarks.push(text);
  };
  const isStrict = check.mode === "strict";
  const reading: Reading = {
    source: document as Readonly<Record<string, unknown>>,
    isStrict,
    format: check.format,
    // What is nested too deep overflows JSON.stringify; it is refused anyway.
    write: (value) => (structure.isTooDeep ? "…" : JSON.stringify(value, undefined, 2)),
    problem,
    remark,
    mend: (path, message, mended) =>
      isStrict ? problem(path, message) : remark(`${path} ${message}; ${mended}`),
  };
  const handoff = readFields(reading, check);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, handoff: { ...handoff, remarks } };
}

function readFields(reading: Reading, check: HandoffCheck): Omit<Handoff, "remarks"> {
  const schemaVersion = readVersion(reading);
  readRunId(reading, check.runId);
  readAgent(reading, check.agent, check.aliases ?? []);
  const status = readStatus(reading);
  const result = readResult(reading, status);
  const artifacts = readArtifacts(reading);
  const confidence = readConfidence(reading);
  const notes = readNotes(reading);
  const timestamp = readTimestamp(reading);
  const usage = readUsage(reading);
  remarkStrangers(reading);
  return {
    schemaVersion,
    runId: check.runId,
    agent: check.agent,
    status: status ?? "failed",
    result,
    artifacts,
    ...(confidence === undefined ? {} : { confidence }),
    notes,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(usage === undefined ? {} : { usage }),
  };
}

/**
 * Reads a text answer: the last `TASK: / STATUS: / RESULT: / CONFIDENCE: / NOTES:` block, else the last
 * `<result>…</result>`, whose inside is the result. Who wrote it follows from the file it was found in.
 */
export function parseTextHandoff(
  text: string,
  of: Pick<HandoffCheck, "runId" | "agent"> & Partial<Pick<HandoffCheck, "mode" | "remarks">>,
): CheckedHandoff {
  const signed = { runId: of.runId, agent: of.agent, artifacts: [], schemaVersion: SCHEMA_VERSION };
  const check = { ...of, mode: of.mode ?? "lenient", format: "text" } as const;
  const block = textBlock(text);
  if (block) {
    const { task: _, status, ...said } = block;
    const word = status
      ?.toLowerCase()
      .replace(/[*_`.]/g, "")
      .trim();
    const document = {
      ...signed,
      notes: "",
      ...said,
      status: word,
      confidence: said.confidence?.toLowerCase(),
    };
    return withoutTime(document, check, "read from a text block");
  }
  const inside = lastResultBlock(text);
  if (inside === undefined) {
    const message = "holds neither a block with STATUS: and RESULT: nor a <result>…</result>";
    return { ok: false, problems: [{ path: "", message }] };
  }
  const reason = reasonOfError(inside);
  const document =
    reason === undefined
      ? { ...signed, status: "complete", result: inside, notes: "" }
      : { ...signed, status: "failed", result: inside, notes: reason };
  return withoutTime(document, { ...check, mode: "lenient" }, "read from a <result> block");
}

/** A text answer has no time of its own, so its absence is no fault. */
function withoutTime(
  document: object,
  check: Omit<HandoffCheck, "document">,
  remark: string,
): CheckedHandoff {
  const filled = { ...document, timestamp: "1970-01-01T00:00:00Z" };
  const checked = checkHandoff({ ...check, document: filled, remarks: [...(check.remarks ?? []), remark] });
  if (!checked.ok) return checked;
  const { timestamp: _, ...handoff } = checked.handoff;
  return { ok: true, handoff };
}

/** Agents are told to say `{"status":"error","reason":"…"}` when a task cannot be done. */
function reasonOfError(inside: string): string | undefined {
  if (!inside.startsWith("{") || !inside.includes('"error"')) return undefined;
  try {
    const said = JSON.parse(inside) as { readonly status?: unknown; readonly reason?: unknown };
    if (said.status !== "error") return undefined;
    return typeof said.reason === "string" ? said.reason : "the agent reports an error";
  } catch {
    // A result may begin with a brace and be no JSON at all.
    return undefined;
  }
}
