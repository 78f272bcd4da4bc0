import assert from "node:assert/strict";
import test from "node:test";
import { gone, intercept, sees, startPage, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

type Guild = Awaited<ReturnType<typeof startPage>>["guild"];

/** Somebody else writes, edits or deletes. */
async function does(guild: Guild, method: string, path: string, body?: object): Promise<any> {
  const answer = await fetch(`${guild.url}/local/messages${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? undefined : await answer.json();
}

const write = (guild: Guild, content: string) =>
  does(guild, "POST", "", { as: "ada", channel: "results", content });

test("messages that could not be read are read as soon as the guild answers, without a hand", async (t) => {
  const { page, guild, message, openChannel } = await startPage(t, browser());
  await write(guild, "finished");
  const address = `**/local/channels/${guild.inspect.channelId("results")}/messages?*`;
  let refused = 0;
  await intercept(page, address, async (route) => {
    refused += 1;
    if (refused <= 2) await route.abort();
    else await route.continue();
  });
  await openChannel("results");
  await sees(message("finished"));
  assert.equal(refused, 3);
});

test("what was edited, and what was deleted, while a channel was being read stays so", async (t) => {
  const { page, guild, message, messages, openChannel } = await startPage(t, browser());
  await write(guild, "as it was");
  const [edited, deleted] = [await write(guild, "first"), await write(guild, "second")];
  const address = `**/local/channels/${guild.inspect.channelId("results")}/messages?*`;
  const { promise: read, resolve: isRead } = Promise.withResolvers<void>();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  await intercept(page, address, async (route) => {
    const response = await route.fetch();
    isRead();
    await answered;
    await route.fulfill({ response });
  });
  await openChannel("results");
  await read;
  await does(guild, "PATCH", `/${edited.id}`, { as: "ada", content: "first, corrected" });
  await does(guild, "DELETE", `/${deleted.id}?as=ada`);
  await write(guild, "third");
  await sees(message("third"));
  answer();
  // Only what is read brings it: from here on all of that is drawn.
  await sees(message("as it was"));
  await sees(message("first, corrected"));
  await gone(messages.getByText("second"));
});
