import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { movableClock } from "../edge/discord-fixture.ts";
import type { FakeRun } from "../support/fake-gateway.ts";
import { createWorld, handBack } from "./world.ts";

type Shown = { readonly attachments: readonly { readonly url: string }[] };

/** A channel's messages as people read them, each with the text of its files. */
export async function textsOf(guild: LocalGuild, channel: string): Promise<readonly string[]> {
  const response = await fetch(`${guild.url}/local/channels/${channel}/messages?limit=100`);
  const messages = (await response.json()) as readonly Shown[];
  return Promise.all(
    messages.map(async (message) => {
      const files = await Promise.all(message.attachments.map(async ({ url }) => (await fetch(url)).text()));
      // A file of a batch repeats the heads of what the message shows: one place to read.
      return files.length > 0 ? files.join("\n") : JSON.stringify(message);
    }),
  );
}

/** The whole product on a guild of its own; the supervisor's clock may be moved. */
export async function beginWithGuild(t: TestContext, onRun: (run: FakeRun) => void = handBack) {
  const clock = movableClock();
  const world = await createWorld(t, { guild: true, onRun, overrides: { now: clock.now } });
  const app = await world.start();
  const { guild } = world;
  if (!guild) throw new Error("no guild");

  /** Every run stands in the channel exactly once, when all of them are there. */
  async function seenOnce(channel: string, kind: "result" | "log", ids: readonly string[]): Promise<void> {
    const isOf = (id: string) => (text: string) =>
      text.includes(`${id}/${kind}`) || text.includes(`\n${id} · asked by`);
    for (const id of ids)
      await app.poll(`/delegations/${id}/receipts`, ({ items }) =>
        items.some(({ delivery }: { delivery: string }) => delivery === `${id}/${kind}`),
      );
    const texts = await textsOf(world.guild as LocalGuild, channel);
    for (const id of ids) assert.equal(texts.filter(isOf(id)).length, 1, `${id} in #${channel}`);
  }
  return { clock, world, app, guild, seenOnce };
}
