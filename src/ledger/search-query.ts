import type { SearchEntry, SearchFor } from "../engine/ports/search.ts";

/**
 * What is not a word of the text but must be found beside words: its kind, status and agent. They begin with signs of
 * the private use area, which no word holds, so nobody can type them.
 */
export const MARKS = { any: "\ue000", kind: "\ue001", status: "\ue002", agent: "\ue003" } as const;

/** One word for a name of any letters. */
export function markOf(sign: string, name: string): string {
  const safe = name.replace(/[^a-z0-9]/g, (letter) => `\ue00f${letter.charCodeAt(0).toString(36)}\ue00f`);
  return `${sign}${safe}`;
}

/** What is indexed of an entry. */
export function indexedWords({ kind, status, agent, words }: SearchEntry): readonly string[] {
  return [
    MARKS.any,
    markOf(MARKS.kind, kind),
    markOf(MARKS.status, status),
    ...(agent === undefined ? [] : [markOf(MARKS.agent, agent)]),
    ...words,
  ];
}

/** The same as a query of FTS5: every word quoted, so that none of them means anything to it. */
export function matchText({ asked, kinds, statuses, agents }: SearchFor): string {
  const oneOf = (sign: string, names: readonly string[] | undefined) =>
    names && names.length > 0 ? [`(${names.map((name) => quoted(markOf(sign, name))).join(" OR ")})`] : [];
  const parts = [
    ...asked.words.map(quoted),
    ...(asked.beginning === undefined ? [] : [`${quoted(asked.beginning)} *`]),
    ...oneOf(MARKS.kind, kinds),
    ...oneOf(MARKS.status, statuses),
    ...oneOf(MARKS.agent, agents),
  ];
  return parts.length > 0 ? parts.join(" AND ") : quoted(MARKS.any);
}

function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}
