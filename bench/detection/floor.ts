/**
 * The least that Node can do to see a document: one watcher, and each new name read and parsed at once.
 * Same protocol as floor.c.
 */
import { readFileSync, watch } from "node:fs";
import { join } from "node:path";

const [dir = ""] = process.argv.slice(2);
const seen = new Map<string, bigint>();

watch(dir, (_type, name) => {
  if (!name || name.startsWith(".") || seen.has(name)) return;
  try {
    JSON.parse(readFileSync(join(dir, name), "utf8"));
  } catch {
    // Not whole yet: the next event of this name tells.
    return;
  }
  seen.set(name, process.hrtime.bigint());
});
process.stdout.write("ready\n");
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
process.stdout.write([...seen].map(([name, at]) => `${name} ${at}\n`).join(""));
process.exit();
