import { cut, forTerminal, oneLine } from "../kernel/text.ts";

/** JSON that may meet a terminal: what JSON leaves bare and a terminal could obey is written as an escape. */
export function jsonText(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Text of agents and channels for a terminal, ending in one line break. */
export function plainText(text: string): string {
  const clean = forTerminal(text);
  return clean.endsWith("\n") ? clean : `${clean}\n`;
}

/** Columns as wide as their longest cell; the last one is cut to what is left of `width`. */
export function table(rows: readonly (readonly string[])[], width = 120): string {
  const clean = rows.map((row) => row.map((cell) => oneLine(cell, 400)));
  const widths = (clean[0] ?? []).map((_, i) => Math.max(...clean.map((row) => row[i]?.length ?? 0)));
  return clean
    .map((row) => {
      const head = row.slice(0, -1).map((cell, i) => cell.padEnd(widths[i] ?? 0));
      const used = head.reduce((sum, cell) => sum + cell.length + 2, 0);
      return [...head, cut(row.at(-1) ?? "", Math.max(20, width - used))].join("  ").trimEnd();
    })
    .map((line) => `${line}\n`)
    .join("");
}

export function instant(at: number | undefined): string {
  return at === undefined || at === 0 ? "–" : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")}Z`;
}
