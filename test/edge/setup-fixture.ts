import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { ATOMIZER_HQ, type Seed, type SeedChannel } from "../../src/local/seed.ts";
import { hq, type Ran } from "./cli-harness.ts";

const ROOT = resolve(import.meta.dirname, "../..");
export const TOKEN = "TestBotToken.of-no.application-at-all";

/** An installation of its own with the shipped configuration and workflows. Its agents are one that nobody has to start. */
export function newInstallation(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(tmpdir(), "hq-setup-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  cpSync(join(ROOT, "package.json"), join(root, "package.json"));
  cpSync(join(ROOT, "config"), join(root, "config"), { recursive: true });
  cpSync(join(ROOT, "workflows"), join(root, "workflows"), { recursive: true });
  mkdirSync(join(root, ".hq"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text, { mode: 0o600 });
  const run = (
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
    input = "",
  ): Promise<Ran> => hq(argv, { installation: root, cwd: root, env: { HQ_AGENTS: "sample", ...env }, input });
  return { root, run };
}

/** A Discord of our own, changed as the test wants. */
export async function discordWith(t: TestContext, change: Partial<Seed> = {}) {
  const guild = await createLocalGuild({ port: 0, rates: false, seed: { ...ATOMIZER_HQ, ...change } });
  await guild.start();
  t.after(() => guild.stop());
  return guild;
}

/** An address on which nobody listens any more. */
export async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}

/** The channels of the seed after `change`; undefined takes one away. */
export function channels(
  change: (channel: SeedChannel) => SeedChannel | readonly SeedChannel[] | undefined,
): Pick<Seed, "categories"> {
  const categories = ATOMIZER_HQ.categories.map((category) => ({
    ...category,
    channels: category.channels.flatMap((channel) => change(channel) ?? []),
  }));
  return { categories };
}
