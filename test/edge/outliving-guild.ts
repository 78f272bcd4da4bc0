import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { PERMISSIONS } from "../../src/discord/client.ts";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { TOKEN } from "./discord-fixture.ts";
import { personAt, startFor } from "./discord-person.ts";
import { withWorkflows } from "./own-workflows.ts";

/** A guild that outlives the supervisors in it, whose channels the test makes, deletes and gives their roles. */
export async function outlivingGuild(t: TestContext, ...workflows: readonly string[]) {
  const folder = temporaryFolder("hq-channels-");
  t.after(folder.remove);
  const home = folder.path;
  const config = withWorkflows(home, ...workflows);
  const bot = { permissions: BigInt(PERMISSIONS) | P.ManageThreads };
  const guild = await createLocalGuild({ port: 0, rates: false, seed: { ...ATOMIZER_HQ, bot } });
  await guild.start();
  t.after(guild.stop);
  async function start(roles: Readonly<Record<string, string>>, more: Record<string, string> = {}) {
    writeFileSync(join(config, "channels.yaml"), JSON.stringify({ roles }));
    const supervisor = await startFor(t, home, {
      HQ_CONFIG: config,
      HQ_AGENTS: "sample",
      DISCORD_TOKEN: TOKEN,
      GUILD_ID: guild.guildId,
      DISCORD_API: guild.restApi,
      ...more,
    });
    const seen = { ...supervisor, ready: { ...supervisor.ready, guild: guild.url } } as Supervisor;
    return { supervisor: seen, person: personAt(seen) };
  }
  return { guild, home, start };
}
