// Installs what package-lock.json names when node_modules is absent or older than the lock.
// Plain JavaScript for any Node from 18 on: it runs before anything else of the project can.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, "node_modules", ".package-lock.json");
const lock = join(root, "package-lock.json");

export function ensureInstalled() {
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  process.stderr.write("Installing what package-lock.json names (npm ci) …\n");
  const env = { ...process.env };
  delete env.NODE_ENV;
  // A registry that stumbles once is no reason to fail a newcomer.
  for (const isLast of [false, true]) {
    const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      env,
      shell: process.platform === "win32",
    });
    if (done.status === 0) return;
    const end = done.status ?? done.signal ?? done.error?.message;
    process.stderr.write(
      `npm ci ended with ${end}${isLast ? `: run it by hand in ${root} to see why` : "; once more"}.\n`,
    );
  }
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
