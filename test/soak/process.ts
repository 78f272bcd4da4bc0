import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What Linux says of a process now: bytes that are resident, of these its own, and how many files it has open. */
export type Look = {
  readonly at: number;
  readonly resident: number;
  readonly own: number;
  readonly files: number;
  readonly threads: number;
};

export function lookAt(pid: number, at: number): Look {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    at,
    resident: field("VmRSS") * 1024,
    own: field("RssAnon") * 1024,
    files: readdirSync(`/proc/${pid}/fd`).length,
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
