import { readFileSync } from "node:fs";
import { Refusal } from "../kernel/refusal.ts";
import { writeAtomically } from "./atomic-file.ts";

// A name, "=", then a value: in one of three quotes (may span lines), or bare up to a comment.
const LINE =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\r\n]*))[^\r\n]*$/gm;

/** The variables of a `.env` text, as Node reads it: later lines win, `\n` in double quotes is a line break. */
export function parseEnv(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [, name, double, single, back, bare] of text.replace(/^\uFEFF/, "").matchAll(LINE)) {
    if (name === undefined) continue;
    found[name] =
      double?.replaceAll("\\n", "\n") ?? single ?? back ?? (bare ?? "").replace(/#.*$/, "").trim();
  }
  return found;
}

/** The variables of a `.env` file; none when there is no file. */
export function readEnvFile(path: string): Readonly<Record<string, string>> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    // What reading a folder throws does not say which.
    throw Object.assign(cause as NodeJS.ErrnoException, { path });
  }
}

/** What holds: the environment wins over the file. */
export function withEnvFile(
  env: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, string>>,
): Readonly<Record<string, string | undefined>> {
  return { ...file, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) };
}

/** Sets variables in a `.env` file of mode 0600; every other line and comment stays as it is. */
export function writeEnvFile(path: string, values: Readonly<Record<string, string>>): void {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
  }
  const open = new Map(Object.entries(values));
  const kept = text.replace(LINE, (line, name: string) => {
    const value = values[name];
    if (value === undefined || !Object.hasOwn(values, name)) return line;
    open.delete(name);
    return `${name}=${quoted(name, value)}`;
  });
  const added = [...open].map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  const gap = kept === "" || kept.endsWith("\n") ? "" : "\n";
  writeAtomically(path, `${kept}${gap}${added.join("")}`, 0o600);
}

function quoted(name: string, value: string): string {
  if (/^[\w./:@%+,=~^*-]*$/.test(value)) return value;
  const isOneLine = !/[\r\n\0]/.test(value);
  const quote = ["'", "`", '"'].find((sign) => !value.includes(sign));
  if (isOneLine && quote && !(quote === '"' && value.includes("\\n"))) return `${quote}${value}${quote}`;
  throw new Refusal("invalid_input", `The value for ${name} cannot be written into .env`, {
    hint: "It has line breaks or all three kinds of quotes: copy it again, or set it in the environment.",
  });
}
