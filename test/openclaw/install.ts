import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

export const NEWEST = "2026.9.6";
export const FEBRUARY = "2026.2.26";

/** Things the older one needs that no longer install from a registry, and that hooks never use. */
const OVERRIDES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [FEBRUARY]: { libsignal: "file:./no-libsignal", linkedom: "0.18.12" },
};

type Installed = { readonly entry: string; readonly tookMs: number };
const installs = new Map<string, Promise<Installed>>();

/** Puts one version of OpenClaw into a folder of its own under the temporary folder, once. Resolves with its entry file. */
export function installOpenclaw(version: string): Promise<Installed> {
  // Suites of one run ask for it at the same time, and two npm in one folder undo each other's work.
  const asked = installs.get(version) ?? installOnce(version);
  installs.set(version, asked);
  return asked;
}

async function installOnce(version: string): Promise<Installed> {
  const folder = join(tmpdir(), "atomizer-hq-openclaw", version);
  const entry = join(folder, "node_modules", "openclaw", "openclaw.mjs");
  const done = join(folder, "installed");
  if (readOr(done) === version) return { entry, tookMs: 0 };
  const startedAt = Date.now();
  const stub = join(folder, "no-libsignal");
  mkdirSync(stub, { recursive: true });
  writeFileSync(join(stub, "package.json"), JSON.stringify({ name: "libsignal", version: "0.0.1" }));
  writeFileSync(join(stub, "index.js"), "module.exports = {};\n");
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      dependencies: { openclaw: version },
      overrides: OVERRIDES[version] ?? {},
    }),
  );
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    // OpenClaw's install script refuses an older Node; ours is new enough.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` },
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  const [code] = (await once(npm, "exit")) as [number | null];
  if (code !== 0) throw new Error(`npm install openclaw@${version} ended with ${code} in ${folder}`);
  writeFileSync(done, version);
  return { entry, tookMs: Date.now() - startedAt };
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
