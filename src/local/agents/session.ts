import { cut, oneLine } from "../../kernel/text.ts";
import { type Answer, type Question, sampleLine } from "./answer.ts";
import { attachedIn } from "./stated.ts";

const HISTORY = "earlier turns of this session";

/** Asked whether it can take work, an agent says so; it is no question of its trade. */
export function rollCall({ agent, objective }: Question): Answer | undefined {
  if (!/^roll call\b/i.test(objective)) return undefined;
  return {
    status: "complete",
    result: `${agent} is here and takes work.\n\n${sampleLine(agent, "it answered, which is all that it looked at")}`,
    confidence: "high",
    notes: "Sample agent: a real one would say what it is at.",
  };
}

/** In a later turn of a session the answer says which turn it is and what was asked in the one before. */
export function withTurn(answer: Answer, material: string): Answer {
  const history = attachedIn(material).find(({ name }) => name === HISTORY);
  const turns = [...(history?.text ?? "").matchAll(/^## Turn (\d+)\nAsked: (.*)$/gm)];
  const [, turn, asked] = turns.at(-1) ?? [];
  if (turn === undefined || asked === undefined) return answer;
  const before = `Turn ${Number(turn) + 1} of this session. In turn ${turn} I was asked: ${cut(oneLine(asked), 200)}`;
  return { ...answer, result: `${before}\n\n${answer.result}` };
}
