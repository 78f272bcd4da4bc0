import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { hq, INSTALLATION } from "./cli-harness.ts";

type Said = { readonly place: string; readonly line: string };

/** What stands in code, in blocks and in sentences, and begins with `hq`. */
function commandsIn(file: string): readonly Said[] {
  const text = readFileSync(join(INSTALLATION, file), "utf8");
  const blocks = [...text.matchAll(/^ *```(\w*)\n([^]*?)^ *```/gm)]
    .filter(([, language = ""]) => ["", "sh", "bash", "text"].includes(language))
    .flatMap(([, , block = ""]) => block.replaceAll("\\\n", " ").split("\n"));
  const spans = [...text.replaceAll(/^ *```[^]*?^ *```/gm, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, span = ""]) => span,
  );
  return [...blocks, ...spans].flatMap((code) =>
    code
      .replace(/\s#\s.*$/, "")
      .split(/\s*(?:&&|;|·|\s\|\s|\s>>?\s)\s*/)
      .map((part) =>
        part
          .trim()
          .replace(/^\$ /, "")
          .replace(/^(?:[A-Z_]+=\S+ )+/, "")
          .replace(/^npx --no hq/, "hq"),
      )
      .filter((part) => /^hq [a-z]/.test(part))
      .map((line) => ({ place: file, line })),
  );
}

/** The words of a line: quotes hold together. */
const wordsOf = (line: string) => line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];

const helps = new Map<string, Promise<string>>();
function helpOf(command: readonly string[]): Promise<string> {
  const key = command.join(" ");
  const found = helps.get(key) ?? hq([...command, "--help"]).then(({ out }) => out);
  helps.set(key, found);
  return found;
}
const namesIn = (help: string) =>
  new Set([...help.matchAll(/^ {2}([a-z][a-z-]+)\b(?:\|\S+)? /gm)].flatMap(([, name]) => name ?? []));

/** What is wrong with a line; several commands may stand in one word, `list|show`. */
async function wrongWith({ place, line }: Said): Promise<readonly string[]> {
  let commands: readonly (readonly string[])[] = [[]];
  const words = wordsOf(line).slice(1);
  for (const word of words) {
    const [first = []] = commands;
    const help = await helpOf(first);
    if (commands.length > 1 || !help.includes("\nCommands:\n")) break;
    const names = word.split("|");
    const known = namesIn(help.split("\nCommands:\n")[1] ?? "");
    const unknown = names.filter((name) => /^[a-z][a-z-]*$/.test(name) && !known.has(name));
    // A group that can be called by itself takes words of its own.
    if (unknown.length > 0 && first.length > 0 && /^Usage: .*\[(?!options|command)/m.test(help)) break;
    if (unknown.length > 0) return [`${place}: ${line}: no command ${unknown.join(", ")}`];
    if (!/^[a-z]/.test(word)) break;
    commands = names.map((name) => [...first, name]);
  }
  const flags = words.flatMap((word) => /^\[?(--[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
  const helpTexts = await Promise.all(commands.map(helpOf));
  return flags
    .filter((flag) => !helpTexts.some((help) => new RegExp(`(?:^|[ ,])${flag}\\b(?!-)`, "m").test(help)))
    .map((flag) => `${place}: ${line}: no flag ${flag}`);
}

test("every command line that a guide, the README or a skill prints names commands and flags that there are", async () => {
  const files = [
    "README.md",
    "compat/README.md",
    ...globSync(["docs/guide/*.md", "skills/*/SKILL.md"], { cwd: INSTALLATION }),
  ];
  const said = files.flatMap(commandsIn);
  assert.ok(said.length > 300, `${said.length} lines`);
  const wrong: string[] = [];
  for (const each of said) wrong.push(...(await wrongWith(each)));
  assert.deepEqual(wrong, []);
});
