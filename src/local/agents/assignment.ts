import { isRunId } from "../../kernel/id.ts";
import type { Return } from "./hand-back.ts";

/** What a sample agent reads out of the coordinator's message. */
export type Assignment = {
  readonly runId: string;
  readonly attempt: number;
  readonly objective: string;
  /** Objective and attached context, without the coordinator's own rules. */
  readonly material: string;
  /** `text` = the result is wanted as a block of TASK, STATUS, RESULT, CONFIDENCE and NOTES. */
  readonly format: "json" | "text";
  /** JSON Schema that the result must fit. */
  readonly schema?: unknown;
  readonly back: Return;
};

/** Headings that the coordinator writes behind the task. A task may have headings of its own. */
const BEHIND_TASK =
  /^# (?:Attached context: |Channel history \(|What went wrong last time$|How to work$|How to hand in$)/m;
const BEHIND_MATERIAL = /^# (?:What went wrong last time|How to work|How to hand in)$/m;

function until(text: string, pattern: RegExp): string {
  const end = text.search(pattern);
  return (end < 0 ? text : text.slice(0, end)).trim();
}

/** A path on a line of its own may hold spaces; anywhere else it ends at the first one. */
function pathIn(handIn: string, runId: string): string | undefined {
  const lines = handIn.split("\n").map((line) => line.trim().replace(/^`(.*)`$/, "$1"));
  const isPath = (line: string) => /^(?:\/|[A-Za-z]:[\\/]).*\.json$/.test(line);
  const own = lines.find((line) => isPath(line) && line.includes(runId)) ?? lines.find(isPath);
  if (own !== undefined) return own;
  const inside = [...handIn.matchAll(/(?:\/|[A-Za-z]:[\\/])[^\s"'`<>|]*?\.json(?![\w.])/g)].map(
    ([path]) => path,
  );
  return inside.find((path) => path.includes(runId)) ?? inside[0];
}

function returnIn(handIn: string, runId: string): Return | undefined {
  const url = /^POST (https?:\/\/\S+)$/m.exec(handIn)?.[1];
  const token = /^Authorization: Bearer (\S+)$/m.exec(handIn)?.[1];
  if (url !== undefined && token !== undefined) return { via: "rest", url, token };
  const path = pathIn(handIn, runId);
  return path === undefined ? undefined : { via: "file", path };
}

function schemaIn(handIn: string): unknown {
  const text = /that fits this JSON Schema[^\n]*\n```json\n([\s\S]*?)\n```/.exec(handIn)?.[1];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Undefined when the message names no run or no place to hand back to: nobody would learn of the result. */
export function assignmentIn(message: string): Assignment | undefined {
  const runId = (/^\W*run[ _-]?id\W*[:=]\W*([A-Za-z0-9][A-Za-z0-9._~-]*)/im.exec(message)?.[1] ?? "").replace(
    /\.$/,
    "",
  );
  if (!isRunId(runId)) return undefined;
  const handInAt = message.lastIndexOf("\n# How to hand in\n");
  const handIn = handInAt < 0 ? message : message.slice(handInAt);
  const back = returnIn(handIn, runId);
  if (!back) return undefined;
  const task = /^# Task\n/m.exec(message);
  const schema = schemaIn(handIn);
  const behind = task ? message.slice(task.index + task[0].length) : message;
  return {
    runId,
    attempt: Number(/^\W*attempt\W*[:=]\W*(\d{1,2})/im.exec(message)?.[1] ?? 1),
    objective: until(behind, BEHIND_TASK),
    material: until(behind, BEHIND_MATERIAL),
    format: /"result": "TASK: /.test(handIn) ? "text" : "json",
    ...(schema === undefined ? {} : { schema }),
    back,
  };
}
