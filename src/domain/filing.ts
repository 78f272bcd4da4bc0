import type { Effect, EffectBody, FileMove, LogLine } from "./effects.ts";

type Filing = Extract<EffectBody, { type: "filing" }>;

export function moveFile(move: FileMove, dueAt: number): Effect {
  return { body: { type: "filing", moves: [move], lines: [] }, lane: "host", dueAt };
}

export function writeLines(lines: readonly LogLine[], dueAt: number): Effect {
  return { body: { type: "filing", moves: [], lines }, lane: "host", dueAt };
}

/** The filings of one commit as one effect: one row, one claim, one end. They stand where the first one stood. */
export function joinFilings(effects: readonly Effect[]): readonly Effect[] {
  const filings = effects.filter(isFiling);
  const [first] = filings;
  if (!first || filings.length === 1) return effects;
  const moves = filings.flatMap(({ body }) => body.moves);
  const lines = filings.flatMap(({ body }) => body.lines);
  const joined: Effect = { ...first, body: { type: "filing", moves, lines } };
  return effects.flatMap((effect) => (effect === first ? [joined] : isFiling(effect) ? [] : [effect]));
}

function isFiling(effect: Effect): effect is Effect & { readonly body: Filing } {
  return effect.body.type === "filing";
}
