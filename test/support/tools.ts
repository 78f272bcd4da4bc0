import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const isRoot = process.getuid?.() === 0;

/** Programs that a test cannot do without: how to see whether they can be used here, and what brings them. */
const TOOLS = {
  /** A mount of one's own, for small disks. */
  unshare: {
    works: () => spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).status === 0,
    packages: "util-linux mount",
    also: ", and run as root or where user namespaces are allowed",
  },
  strace: {
    works: () => spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0,
    packages: "strace",
    also: ", and run where processes may be traced",
  },
  /** Modes do not bind the superuser, the immutable flag does. */
  chattr: {
    works: () => !isRoot || canFreeze(),
    packages: "e2fsprogs",
    also: ", on a file system with flags",
  },
} as const;

export type Tool = keyof typeof TOOLS;

/** A test that needs a program: without it the test fails and says what is missing and what to run. */
export function needing(
  tool: Tool,
  run: (t: TestContext) => Promise<void> | void,
): (t: TestContext) => Promise<void> | void {
  return (t) => {
    const { works, packages, also } = TOOLS[tool];
    if (!works())
      throw new Error(
        `This test needs ${tool}, which cannot be used here. On Debian and Ubuntu: apt-get install -y ${packages}${also}.`,
      );
    return run(t);
  };
}

/** Lets nothing be added to a folder or taken from it, whoever asks; `thaw` ends that. */
export function freeze(folder: string): void {
  if (isRoot) execFileSync("chattr", ["+i", folder]);
  else chmodSync(folder, 0o500);
}

export function thaw(folder: string): void {
  if (isRoot) execFileSync("chattr", ["-i", folder]);
  else chmodSync(folder, 0o700);
}

function canFreeze(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "hq-freeze-"));
  try {
    return ["+i", "-i"].every((flag) => spawnSync("chattr", [flag, folder]).status === 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
