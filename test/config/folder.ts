import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type ConfigPlace, loadConfig } from "../../src/config/load.ts";
import type { ConfigProblem } from "../../src/domain/config.ts";

/** A configuration folder of its own with the given files, gone after the test. */
export function configFolder(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "hq-config-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "config");
  mkdirSync(dir);
  const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const place: ConfigPlace = { dir, installation: root, home: join(root, ".hq"), env: { HOME: "/home/ada" } };
  return { root, dir, place, write };
}

/** Loads files that must be refused, and gives each problem as `file:line:column path: message (suggestion)`. */
export function refused(t: TestContext, files: Readonly<Record<string, string>>): readonly string[] {
  const loaded = loadConfig(configFolder(t, files).place);
  return loaded.ok ? [] : loaded.problems.map(spoken);
}

export function spoken({ file, line, column, path, message, suggestion }: ConfigProblem): string {
  const place = line === undefined ? "" : `:${line}:${column}`;
  return `${file.split("/").at(-1)}${place} ${path}: ${message}${suggestion ? ` (${suggestion})` : ""}`;
}

export function loaded(t: TestContext, files: Readonly<Record<string, string>>) {
  const result = loadConfig(configFolder(t, files).place);
  if (!result.ok) throw new Error(result.problems.map(spoken).join("\n"));
  return result;
}
