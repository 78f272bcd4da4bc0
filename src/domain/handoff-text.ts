import type { HandoffStatus } from "./handoff-types.ts";
import { HANDOFF_STATUSES } from "./handoff-types.ts";

const SECTION = /^[\s>*_#-]*(TASK|STATUS|RESULT|CONFIDENCE|NOTES)[*_]*[ \t]*:[*_]*[ \t]*(.*)$/;
const RESULT_TAG = /<(\/?)result>/g;

export type TextBlock = {
  readonly task?: string;
  readonly status?: string;
  readonly result?: string;
  readonly confidence?: string;
  readonly notes?: string;
};
type Section = keyof TextBlock;

export function isHandoffStatus(word: string): word is HandoffStatus {
  return (HANDOFF_STATUSES as readonly string[]).includes(word);
}

/**
 * The last `TASK: / STATUS: / RESULT: / CONFIDENCE: / NOTES:` block that says a status and a result;
 * undefined when there is none. The last one, since an agent may repeat its instructions before it answers.
 */
export function textBlock(text: string): TextBlock | undefined {
  let found: TextBlock | undefined;
  for (const block of blocksOf(text)) {
    if (block.status !== undefined && block.result !== undefined) found = block;
  }
  return found;
}

function* blocksOf(text: string): Generator<TextBlock> {
  let block = new Map<Section, string[]>();
  let lines: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    const match = SECTION.exec(line);
    const section = match?.[1]?.toLowerCase() as Section | undefined;
    const isNewBlock = section !== undefined && beginsAnew(block, section);
    if (isNewBlock) {
      yield finish(block);
      block = new Map();
    }
    if (section !== undefined && !block.has(section)) {
      lines = [match?.[2] ?? ""];
      block.set(section, lines);
    } else {
      // A repeated word inside a result is part of the result.
      lines?.push(line);
    }
  }
  yield finish(block);
}

function beginsAnew(block: ReadonlyMap<Section, unknown>, section: Section): boolean {
  if (section === "task") return block.size > 0;
  return section === "status" && block.has("status") && (block.has("confidence") || block.has("notes"));
}

function finish(block: ReadonlyMap<Section, readonly string[]>): TextBlock {
  const trimmed = [...block].map(([section, lines]) => [section, lines.join("\n").trim()] as const);
  return Object.fromEntries(trimmed);
}

/**
 * The inside of the last `<result>…</result>`, trimmed; undefined when there is none.
 * A nested block belongs to the outer one; a tag that was only mentioned does not hide the block after it.
 */
export function lastResultBlock(text: string): string | undefined {
  const opened: number[] = [];
  let last: string | undefined;
  for (const tag of text.matchAll(RESULT_TAG)) {
    if (tag[1] === "") {
      opened.push(tag.index + tag[0].length);
      continue;
    }
    const start = opened.pop();
    if (start !== undefined) last = text.slice(start, tag.index);
  }
  return last?.trim();
}
