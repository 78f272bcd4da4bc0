import { forTerminal } from "../../kernel/text.ts";

/** One thing that doctor looked at. `mend` says what to do about it. */
export type Finding = {
  readonly id: string;
  readonly status: "ok" | "warn" | "fail" | "skip";
  readonly text: string;
  readonly mend?: string;
};

const SIGNS = { ok: "✓", warn: "!", fail: "✗", skip: "–" } as const;

export const ok = (id: string, text: string): Finding => ({ id, status: "ok", text });
export const skip = (id: string, text: string): Finding => ({ id, status: "skip", text });
export const warn = (id: string, text: string, mend: string): Finding => ({ id, status: "warn", text, mend });
export const fail = (id: string, text: string, mend: string): Finding => ({ id, status: "fail", text, mend });

/** A line for each, and under what is not well how to mend it. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ id }) => id.length));
  const lines = findings.flatMap(({ id, status, text, mend }) => [
    `${SIGNS[status]} ${id.padEnd(width)}  ${text}`,
    ...(mend === undefined ? [] : mend.split("\n").map((line) => `  ${" ".repeat(width)}  → ${line}`)),
  ]);
  const failed = findings.filter(({ status }) => status === "fail").length;
  const warned = findings.filter(({ status }) => status === "warn").length;
  const verdict =
    failed > 0 ? `${failed} to mend` : warned > 0 ? "ready, with a word of warning" : "all is well";
  return forTerminal(`${lines.join("\n")}\n${verdict}\n`);
}
