/** Tokens of all turns together; what was read from a cache counts as input. */
export type Tokens = { readonly input: number; readonly output: number };

type Numbers = {
  readonly input?: unknown;
  readonly output?: unknown;
  readonly cacheRead?: unknown;
  readonly cacheWrite?: unknown;
};

/**
 * Sums what the assistant's turns of a session file say they used. Lines that do not parse (the last one of a killed
 * process) and other entries are passed over. Undefined = it says nothing: unknown is not zero.
 */
export function tokensOfSession(text: string): Tokens | undefined {
  const turns = text.split("\n").flatMap((line) => {
    const entry = parse(line) as
      | { type?: unknown; message?: { role?: unknown; usage?: unknown } }
      | undefined;
    const message = entry?.type === "message" ? entry.message : undefined;
    return message?.role === "assistant" ? [tokensIn(message.usage)] : [];
  });
  return sum(turns);
}

/** What newer versions print at the end of a run (`--json`): their sessions are in a database of their own. */
export function tokensPrinted(text: string): Tokens | undefined {
  const starts = [...text.matchAll(/^\{$/gm)].map(({ index }) => index).reverse();
  for (const start of starts) {
    const end = text.indexOf("\n}", start);
    if (end < 0) continue;
    const printed = parse(text.slice(start, end + 2)) as
      | { meta?: { agentMeta?: { usage?: unknown } | null } | null }
      | undefined;
    const tokens = sum([tokensIn(printed?.meta?.agentMeta?.usage)]);
    if (tokens) return tokens;
  }
  return undefined;
}

function tokensIn(usage: unknown): Tokens | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const { input, output, cacheRead, cacheWrite } = usage as Numbers;
  return { input: count(input) + count(cacheRead) + count(cacheWrite), output: count(output) };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** A provider that does not count writes zeros. */
function sum(turns: readonly (Tokens | undefined)[]): Tokens | undefined {
  const input = turns.reduce((total, turn) => total + (turn?.input ?? 0), 0);
  const output = turns.reduce((total, turn) => total + (turn?.output ?? 0), 0);
  return input + output > 0 ? { input, output } : undefined;
}

function parse(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
