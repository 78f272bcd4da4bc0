import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const run = promisify(execFile);
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const HOW =
  "Install Chromium (Debian and Ubuntu: apt-get install chromium) or name one in CHROMIUM=/path/to/chromium.";

function installed(): string | undefined {
  const named = process.env.CHROMIUM;
  if (named === undefined || named === "") return PLACES.find((path) => existsSync(path));
  if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, which does not exist. ${HOW}`);
  return named;
}

async function install(): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  const hasApt = existsSync("/usr/bin/apt-get");
  if (!isRoot || !hasApt) throw new Error(`The page's tests need Chromium. ${HOW}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update"], { env });
    await run("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], {
      env,
      maxBuffer: 1 << 26,
    });
  } catch (cause) {
    throw new Error(`Chromium could not be installed. ${HOW}`, { cause });
  }
  const path = installed();
  if (path === undefined) throw new Error(`Chromium was installed, but not at a known place. ${HOW}`);
  return path;
}

/** The machine's own Chromium; on a bare Debian with root it is installed first. Close the browser after use. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = installed() ?? (await install());
  return await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false });
}
