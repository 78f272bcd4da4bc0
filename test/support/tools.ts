import { spawnSync } from "node:child_process";
import test from "node:test";

const PROBES = {
  /** A mount of one's own, for small disks. */
  unshare: ["unshare", ["-rm", "true"]],
  strace: ["strace", ["-f", "-qq", "-o", "/dev/null", "true"]],
} as const;

/**
 * Whether a tool of the system can be used here. When it cannot, a test in the list says so and how to mend it,
 * and on CI, which installs what it needs, that test fails: nothing is left out in silence.
 */
export function has(tool: keyof typeof PROBES, what: string): boolean {
  const [command, args] = PROBES[tool];
  if (spawnSync(command, args).status === 0) return true;
  test(`NOT RUN HERE: ${what} (needs ${tool})`, (t) => {
    const hint = `${tool} cannot be used here: on Debian, apt-get install ${tool === "strace" ? "strace" : "util-linux"}, and run as root`;
    if (process.env.CI) throw new Error(hint);
    t.diagnostic(hint);
  });
  return false;
}
