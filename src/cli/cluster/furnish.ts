import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { differencesOf, type Json } from "../../agents/cluster/openclaw-config.ts";
import { writeAtomically } from "../../config/atomic-file.ts";
import { parseEnv, writeEnvFile } from "../../config/env-file.ts";
import { AS_USUAL, makeFolder } from "../../handoffs/make-folder.ts";
import { isReadByOthers } from "../check-files.ts";

/**
 * What became of a file: `completed` got lines that it lacked; `differs` was kept and says something else than HQ
 * needs, at the places in `differences`; never a value of it.
 */
export type FileReport = {
  readonly path: string;
  readonly state: "written" | "kept" | "completed" | "differs";
  readonly differences?: readonly string[];
};

type How = { readonly isDry: boolean; readonly mode?: number };

export function furnishFolder(path: string, { isDry, mode }: How): FileReport {
  if (existsSync(path)) return { path, state: "kept" };
  if (!isDry) makeFolder(path, mode ?? AS_USUAL);
  return { path, state: "written" };
}

/** Whoever wrote it, it is theirs as soon as it is there. */
export function furnishText(path: string, text: string, how: How): FileReport {
  if (existsSync(path)) return { path, state: "kept" };
  write(path, text, how);
  return { path, state: "written" };
}

export function furnishJson(path: string, wanted: Json, how: How): FileReport {
  if (!existsSync(path)) {
    write(path, `${JSON.stringify(wanted, undefined, 2)}\n`, how);
    return { path, state: "written" };
  }
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { path, state: "differs", differences: ["not compared: it is not plain JSON"] };
  }
  const differences = differencesOf(wanted, found);
  return differences.length === 0 ? { path, state: "kept" } : { path, state: "differs", differences };
}

/** Adds the lines that are missing and takes away what others could read; every other line stays. */
export function furnishEnv(
  path: string,
  wanted: Readonly<Record<string, string>>,
  { isDry }: How,
): FileReport {
  const isThere = existsSync(path);
  const found = isThere ? parseEnv(readFileSync(path, "utf8")) : {};
  const missing = Object.entries(wanted).filter(([name]) => found[name] === undefined);
  const isOpen = isThere && isReadByOthers(path);
  if (!isDry && missing.length > 0) writeEnvFile(path, Object.fromEntries(missing));
  else if (!isDry && isOpen) chmodSync(path, statSync(path).mode & 0o700);
  if (!isThere) return { path, state: "written" };
  const others = Object.entries(wanted).flatMap(([name, value]) =>
    found[name] !== undefined && found[name] !== value ? [name] : [],
  );
  if (others.length > 0) return { path, state: "differs", differences: others };
  const added = [...missing.map(([name]) => name), ...(isOpen ? ["mode 0600"] : [])];
  return added.length === 0 ? { path, state: "kept" } : { path, state: "completed", differences: added };
}

function write(path: string, text: string, { isDry, mode }: How): void {
  if (isDry) return;
  makeFolder(dirname(path), AS_USUAL);
  writeAtomically(path, text, mode);
}
