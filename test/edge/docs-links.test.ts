import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import test from "node:test";

const ROOT = resolve(import.meta.dirname, "../..");
const textOf = (file: string) => readFileSync(file, "utf8");

/** As pages name their headings in links. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

test("every link of the documents leads somewhere, and every heading that one names is there", () => {
  const files = [...globSync("docs/**/*.md", { cwd: ROOT }), "README.md", "ARCHITECTURE.md"];
  const dead = files.flatMap((name) => {
    const file = join(ROOT, name);
    const links = [
      ...textOf(file)
        .replaceAll(/```[^]*?```/g, "")
        .matchAll(/\]\(([^)\s]+)\)/g),
    ];
    return links.flatMap(([, link = ""]) => {
      if (/^(?:https?|mailto):/.test(link)) return [];
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : resolve(dirname(file), path);
      const isThere =
        existsSync(target) &&
        (anchor === undefined || !target.endsWith(".md") || anchorsOf(target).has(anchor));
      return isThere ? [] : [`${name}: ${link}`];
    });
  });
  assert.ok(files.length > 30);
  assert.deepEqual(dead, []);
});

test("the index of the guides names each of them", () => {
  const dir = join(ROOT, "docs/guide");
  const index = textOf(join(dir, "README.md"));
  const missing = readdirSync(dir).filter(
    (name) => name.endsWith(".md") && name !== "README.md" && !index.includes(`](${name})`),
  );
  assert.deepEqual(missing, [], relative(ROOT, dir));
});
