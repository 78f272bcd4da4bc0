import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * What Linux says of a process now: bytes that are resident, of these its own, and how many files it has open, of these
 * how many for five minutes or longer.
 */
export type Look = {
  readonly at: number;
  readonly resident: number;
  readonly own: number;
  readonly files: number;
  readonly held: number;
  readonly threads: number;
};

/** Shorter than that a file may be open for a request that is never answered, or for a connection in use. */
export const HELD_MS = 300_000;

/** Looks at a process again and again; it remembers since when a file is open. */
export function createWatch(pid: number): (at: number) => Look {
  let since: ReadonlyMap<string, number> = new Map();
  return (at) => {
    since = new Map(filesOf(pid).map((file) => [file, since.get(file) ?? at]));
    const held = [...since.values()].filter((from) => at - from >= HELD_MS).length;
    return { at, ...memoryOf(pid), files: since.size, held };
  };
}

/** Each by its number and what it is. One that is closed while it is looked at is passed over. */
export function filesOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((number) => {
    try {
      return [`${number} ${readlinkSync(join(folder, number))}`];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}

function memoryOf(pid: number): Pick<Look, "resident" | "own" | "threads"> {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    resident: field("VmRSS") * 1024,
    own: field("RssAnon") * 1024,
    threads: field("Threads"),
  };
}

/** Bytes and files in a folder, by what lies directly in it; what goes away meanwhile is not counted. */
export function sizesOf(
  folder: string,
): ReadonlyMap<string, { readonly bytes: number; readonly files: number }> {
  return new Map(readdirSync(folder).map((name) => [name, sizeOf(join(folder, name))]));
}

function sizeOf(path: string): { readonly bytes: number; readonly files: number } {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return { bytes: stat?.size ?? 0, files: stat ? 1 : 0 };
  return readdirSync(path)
    .map((name) => sizeOf(join(path, name)))
    .reduce((sum, { bytes, files }) => ({ bytes: sum.bytes + bytes, files: sum.files + files }), {
      bytes: 0,
      files: 0,
    });
}
