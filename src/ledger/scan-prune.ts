import { neighboursOf, PRUNABLE } from "../domain/prune.ts";
import type { Prunable, PruneQuery } from "../engine/ports/upkeep.ts";
import type { Row } from "./rows.ts";
import { stateIn } from "./scan-audit.ts";
import type { ScanStatements } from "./scan-statements.ts";

/** A family so large is left alone; nothing that people make comes near it. */
const LARGEST_FAMILY = 200_000;

/** Families of which everything is settled and old: whatever refers to one another goes together or stays together. */
export function prunablePage(sql: ScanStatements, { before, after, limit }: PruneQuery): Prunable {
  const rows = sql.streams.all(Number(after ?? 0), limit);
  const streams = new Set<string>();
  const kept = newestOf(sql);
  const looked = new Set<string>();
  for (const row of rows) {
    if (looked.has(row["id"] as string) || !isOld(sql, row, before)) continue;
    const family = familyOf(sql, row, before, kept);
    for (const id of family.members) looked.add(id);
    if (family.mayGo) for (const id of family.members) streams.add(id);
  }
  const last = rows.at(-1)?.["seq"];
  return { streams: [...streams], ...(rows.length < limit ? {} : { next: String(last) }) };
}

/** Streams with the highest numbers, and the subjects of such deliveries. */
function newestOf(sql: ScanStatements): ReadonlySet<string> {
  const ids = Object.values(sql.newest.get() ?? {}).filter((id) => typeof id === "string");
  return new Set(ids.flatMap((id) => [id, id.slice(0, Math.max(0, id.lastIndexOf("/")))]));
}

function isOld(sql: ScanStatements, row: Row, before: number): boolean {
  if (row["open"] === 1 || !PRUNABLE.has(row["kind"] as string)) return false;
  const at = sql.lastAt.get(row["id"] as string, row["version"] as number)?.["at"];
  return at !== undefined && (at as number) < before && sql.openOf.get(row["id"] as string) === undefined;
}

function familyOf(
  sql: ScanStatements,
  first: Row,
  before: number,
  kept: ReadonlySet<string>,
): { readonly members: ReadonlySet<string>; readonly mayGo: boolean } {
  const members = new Set([first["id"] as string]);
  const waiting: Row[] = [first];
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    if (!isOld(sql, row, before) || kept.has(row["id"] as string) || members.size > LARGEST_FAMILY)
      return { members, mayGo: false };
    const id = row["id"] as string;
    const children = sql.children.all(id).map((child) => child["id"] as string);
    const parent = row["parent"] === null ? [] : [row["parent"] as string];
    for (const other of [...parent, ...children, ...neighboursOf(row["kind"] as string, stateIn(sql, row))]) {
      if (members.has(other)) continue;
      const found = sql.stream.get(other);
      if (!found) continue;
      members.add(other);
      waiting.push(found);
    }
  }
  return { members, mayGo: true };
}
