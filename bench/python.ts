import { execFileSync } from "node:child_process";

/** The interpreter itself: a shim of a version manager in its place would take most of a baseline's time. */
export function findPython(): string {
  return execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
}
