import assert from "node:assert/strict";
import test from "node:test";
// Loaded first on purpose: the agents' HTTP library must not break what is uploaded to Discord.
import "undici";
import { createRest } from "../../src/discord/rest.ts";
import { createLocalGuild } from "../../src/local/local-guild.ts";

test("files reach Discord although the agents' HTTP library lives in the same process", async () => {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  try {
    const log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    };
    const rest = createRest({ token: "a-bot-token-of-a-test", api: guild.restApi, log, now: Date.now });
    const channels = (await rest.raw.get(`/guilds/${guild.guildId}/channels`)) as {
      id: string;
      name: string;
    }[];
    const results = channels.find(({ name }) => name === "results");
    assert.ok(results);
    const file = { name: "result.md", bytes: Buffer.from("# the whole result") };
    const message = await rest.post(results.id, "orch-1/result", 0, { content: "a long one", files: [file] });
    const [attachment] = message.attachments;
    assert.ok(attachment);
    assert.equal(await (await fetch(attachment.url)).text(), "# the whole result");
  } finally {
    await guild.stop();
  }
});
