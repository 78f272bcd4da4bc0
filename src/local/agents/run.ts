import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cut, oneLine } from "../../kernel/text.ts";
import type { Answer } from "./answer.ts";
import type { Assignment } from "./assignment.ts";
import { postHandoff, writeWhole } from "./hand-back.ts";
import type { Tricks } from "./tricks.ts";

/** Applies what the words ask for to the honest answer. */
export function tricked(answer: Answer, tricks: Tricks, attempt: number): Answer {
  if (tricks.fail === "always" || (tricks.fail === "once" && attempt === 1)) {
    return {
      ...answer,
      status: "failed",
      result: "This attempt failed because the objective asked for it.",
      confidence: "low",
      notes: `Failed because the objective asked for it. ${answer.notes}`,
    };
  }
  if (tricks.words.has("blocked")) {
    return {
      ...answer,
      status: "blocked",
      result: "Blocked because the objective asked for it. A person would have to decide something first.",
      confidence: "low",
      notes: `Blocked because the objective asked for it. ${answer.notes}`,
    };
  }
  if (tricks.words.has("partial")) {
    return {
      ...answer,
      status: "partial",
      notes: `Only a part, because the objective asked for it. ${answer.notes}`,
    };
  }
  return tricks.longChars === undefined
    ? answer
    : { ...answer, result: lengthened(answer.result, tricks.longChars) };
}

function lengthened(start: string, length: number): string {
  const lines = [start, "", "A long sample result follows."];
  let total = lines.join("\n").length;
  for (let line = 1; total < length; line++) {
    const text = `${line}. Filler line of a sample result that was asked to be ${length} characters long.`;
    lines.push(text);
    total += text.length + 1;
  }
  return cut(lines.join("\n"), length);
}

function resultText(
  { objective, format }: Assignment,
  { status, result, confidence, notes }: Answer,
): string {
  if (format === "json") return result;
  return [
    `TASK: ${oneLine(objective, 120)}`,
    `STATUS: ${status}`,
    `RESULT: ${result}`,
    `CONFIDENCE: ${confidence}`,
    `NOTES: ${notes}`,
  ].join("\n");
}

/** The document of the handoff contract. */
export function handoffText(
  agent: string,
  assignment: Assignment,
  answer: Answer,
  artifacts: readonly string[],
  nowMs: number,
): string {
  return `${JSON.stringify(
    {
      schemaVersion: "1.0",
      runId: assignment.runId,
      agent,
      status: answer.status,
      result: resultText(assignment, answer),
      artifacts,
      confidence: answer.confidence,
      notes: answer.notes,
      timestamp: new Date(nowMs).toISOString(),
    },
    undefined,
    2,
  )}\n`;
}

/** Hands the text back as the words ask; `pause` parts the two halves or copies. Resolves with what was done. */
export async function handBack(
  assignment: Assignment,
  tricks: Tricks,
  text: string,
  pause: () => Promise<void>,
): Promise<string> {
  const { back, runId } = assignment;
  const document = tricks.words.has("wrong run") ? text.replace(`"${runId}"`, `"${runId}-other"`) : text;
  const spoiled = tricks.words.has("bad json")
    ? `${document.slice(0, Math.floor(document.length / 2))}\n`
    : document;
  if (back.via === "rest") {
    const statuses = [await postHandoff(back.url, back.token, spoiled)];
    if (tricks.words.has("twice")) {
      await pause();
      statuses.push(await postHandoff(back.url, back.token, spoiled));
    }
    return `posted: ${statuses.join(", ")}`;
  }
  if (tricks.words.has("truncated")) {
    const half = Math.floor(spoiled.length / 2);
    writeFileSync(back.path, spoiled.slice(0, half), { mode: 0o600 });
    await pause();
    writeFileSync(back.path, spoiled.slice(half), { flag: "a", mode: 0o600 });
    return "written in two parts";
  }
  writeWhole(back.path, spoiled);
  if (tricks.words.has("twice")) {
    await pause();
    writeWhole(back.path, spoiled);
  }
  return "written";
}

/** A small table beside the handoffs; gives its absolute path. */
export function writeArtifact(handoffDir: string, runId: string, csv: string): string {
  const path = join(handoffDir, "artifacts", `${runId}.csv`);
  writeWhole(path, csv);
  return path;
}
