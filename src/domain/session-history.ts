/** One turn that is over: what was asked, and what came of it. */
export type PastTurn = { readonly turn: number; readonly asked: string; readonly answered: string };

/** The name under which the earlier turns are attached. */
const HISTORY_NAME = "earlier turns of this session";
const LONGEST_TEXT = 4000;
const LONGEST_HISTORY = 24_000;

/**
 * The earlier turns as an attachment, for agents whose gateway does not remember them: newest kept, at most 24,000
 * characters, what is left out is marked. The same turns give the same text. Undefined when there are none.
 */
export function historyOf(
  turns: readonly PastTurn[],
): { readonly name: string; readonly text: string } | undefined {
  const parts: string[] = [];
  let room = LONGEST_HISTORY;
  for (const past of turns.toReversed()) {
    const part = `## Turn ${past.turn}\nAsked: ${bounded(past.asked)}\nAnswered: ${bounded(past.answered)}`;
    if (part.length > room) break;
    parts.unshift(part);
    room -= part.length;
  }
  if (parts.length === 0) return undefined;
  const missing = turns.length - parts.length;
  const mark =
    missing > 0 ? [`[${missing} earlier ${missing === 1 ? "turn is" : "turns are"} left out]`] : [];
  return { name: HISTORY_NAME, text: [...mark, ...parts].join("\n\n") };
}

function bounded(text: string): string {
  const whole = text.trim();
  if (whole.length <= LONGEST_TEXT) return whole;
  return `${whole.slice(0, LONGEST_TEXT)} [cut: ${whole.length - LONGEST_TEXT} more characters]`;
}
