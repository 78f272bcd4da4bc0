#!/usr/bin/env node
// Finds a Node that is new enough (the project's own dependency), then runs the command line.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure.js";

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 24 || (major === 24 && minor >= 12);

ensureInstalled();
if (isNewEnough) {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  await import(join(root, "src", "cli", "main.ts"));
} else {
  const node = join(root, "node_modules", "node", "bin", "node");
  if (!existsSync(node)) {
    process.stderr.write(`hq needs Node 24.12 or newer, and ${node} is missing: run "npm ci" in ${root}.\n`);
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
