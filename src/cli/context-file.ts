import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { Refusal } from "../kernel/refusal.ts";

/** A text file that goes along with a task. Refusal `invalid_input` when it cannot be read or is not UTF-8 text. */
export function readContextFile(cwd: string, file: string): { readonly name: string; readonly text: string } {
  const path = resolve(cwd, file);
  const bytes = read(file, path);
  const text = bytes.toString("utf8");
  const wrong = wrongIn(bytes, text);
  if (wrong === undefined) return { name: basename(file), text };
  const line = bytes.subarray(0, wrong.at).toString("latin1").split("\n").length;
  throw new Refusal("invalid_input", `--context ${file} is no text: in line ${line} is ${wrong.what}.`, {
    hint: `Convert it (\`iconv -f latin1 -t utf-8\`, or save it as UTF-8), or name its path in the task when the agent can read files: ${path}.`,
  });
}

function read(file: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    const hints: Readonly<Record<string, string>> = {
      ENOENT: `There is no such file; it was looked for in ${path}.`,
      EISDIR: "It is a folder: give each file of it, --context <file> may be repeated.",
      EACCES: `Let yourself read it: chmod u+r ${path}.`,
    };
    throw new Refusal("invalid_input", `--context ${file} cannot be read (${code}).`, {
      cause,
      hint: hints[code] ?? `Give a text file that you can read; this one is ${path}.`,
    });
  }
}

/** Where the first byte is that no UTF-8 text has; undefined when there is none. */
function wrongIn(bytes: Buffer, text: string): { readonly at: number; readonly what: string } | undefined {
  const again = Buffer.from(text, "utf8");
  if (!again.equals(bytes)) {
    return { at: again.findIndex((byte, i) => byte !== bytes[i]), what: "a byte that is not UTF-8" };
  }
  const zero = bytes.indexOf(0);
  return zero < 0 ? undefined : { at: zero, what: "a zero byte" };
}
