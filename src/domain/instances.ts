import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { type AgentCard, agentsThere, type Registry } from "./agent-card.ts";

/** An agent with the word by which it was asked for: the letter where it came from a range. */
export type Instance = { readonly word: string; readonly card: AgentCard };

const RANGE = /^([a-z])\s*-\s*([a-z])$/i;

/**
 * The agents that words mean, in the order asked for, each once. A word is an id, an alias or a letter in any case,
 * a range of letters (`A-H`), or several of these with commas between them.
 * Refusal `unknown_agent` names everything that is unknown; `invalid_input` when nothing is named.
 */
export function readInstanceWords(registry: Registry, words: readonly string[]): readonly Instance[] {
  const asked = words.flatMap((word) => word.split(",")).map((word) => word.trim());
  const named = asked.filter((word) => word !== "");
  if (named.length === 0) {
    throw new Refusal("invalid_input", "No agent is named.", {
      hint: "Name agents by id, alias or letter: A,C or A-H or webster.",
    });
  }
  const problems: Problem[] = [];
  const found = new Map<string, Instance>();
  for (const word of named.flatMap((part) => lettersOf(registry, part))) {
    const card = registry.find(word);
    if (!card) problems.push({ path: word, message: unknownWord(registry, word) });
    else if (!found.has(card.id)) found.set(card.id, { word, card });
  }
  if (problems.length === 0) return [...found.values()];
  throw new Refusal("unknown_agent", problems.map(({ message }) => message).join(" "), {
    problems,
    ...(problems.length === 1 && problems[0] ? { instance: problems[0].path } : {}),
    hint: agentsThere(registry.agents.map(nameOf)),
  });
}

/** The agents alone. */
export function readInstances(registry: Registry, words: readonly string[]): readonly AgentCard[] {
  return readInstanceWords(registry, words).map(({ card }) => card);
}

/** A range becomes its letters; what an agent is called by comes first, so that an alias may look like a range. */
function lettersOf(registry: Registry, word: string): readonly string[] {
  const [, from, to] = RANGE.exec(word) ?? [];
  if (from === undefined || to === undefined || registry.find(word)) return [word];
  const first = from.toUpperCase().charCodeAt(0);
  const last = to.toUpperCase().charCodeAt(0);
  if (last < first) {
    throw new Refusal("invalid_input", `The range ${word} goes backwards.`, {
      hint: `Write it from the first letter on: ${to.toUpperCase()}-${from.toUpperCase()}.`,
    });
  }
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index));
}

function unknownWord(registry: Registry, word: string): string {
  const near = nearest(
    word,
    registry.agents.flatMap(({ id, aliases }) => [id, ...aliases]),
  );
  const isMeant = near !== undefined && word.length > 1;
  return `There is no agent "${word}".${isMeant ? ` Did you mean ${near}?` : ""}`;
}

function nameOf({ id, letter }: AgentCard): string {
  return letter ? `${letter} ${id}` : id;
}
