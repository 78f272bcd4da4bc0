import { textsOf } from "./payload.ts";

/**
 * What ends the last text of every message of ours: by it a message is found again when its receipt is missing.
 * Text of others stands before it and cannot begin a small-print line, so nobody can imitate it.
 */
export function markOf(delivery: string, part: number): string {
  return part === 0 ? delivery : `${delivery} (${part + 1})`;
}

export function hasMark(
  message: { readonly content?: string; readonly components?: readonly unknown[] },
  mark: string,
): boolean {
  const last = textsOf(message).at(-1)?.trimEnd().replace(/`$/, "") ?? "";
  return last.endsWith(mark) && /^$|[\s`]$/.test(last.slice(0, -mark.length));
}

/** The delivery and part that a message of ours says it is; undefined for one without a mark. */
export function markIn(message: {
  readonly content?: string;
  readonly components?: readonly unknown[];
}): { readonly delivery: string; readonly part: number } | undefined {
  const last = textsOf(message).at(-1)?.trimEnd().replace(/`$/, "") ?? "";
  const [, delivery, number] =
    /(?:^|[\s`])((?:[^\s`]+\/[^\s`/]+)|batch-[0-9a-z]+)(?: \((\d+)\))?$/.exec(last) ?? [];
  if (delivery === undefined) return undefined;
  return { delivery, part: number === undefined ? 0 : Number(number) - 1 };
}
