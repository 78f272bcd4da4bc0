import assert from "node:assert/strict";
import test from "node:test";
import { DiscordError } from "../../src/discord/discord-failure.ts";
import { createPosted } from "../../src/discord/posted.ts";
import { WHOLE_FILE } from "../../src/discord/render-lines.ts";
import type { DiscordRest } from "../../src/discord/rest.ts";

const AT = "2026-02-15T10:00:00.000Z";
type Message = Awaited<ReturnType<DiscordRest["history"]>>[number];

function messageOf(id: string, content: string, author = "bot"): Message {
  return { id, timestamp: AT, content, author: { id: author }, attachments: [] } as unknown as Message;
}

function posted(rest: Partial<DiscordRest>) {
  return createPosted({ rest: rest as DiscordRest, botId: () => "bot", isConnected: () => true });
}

test("only our own messages count, whatever mark others write", async () => {
  const messages = [
    messageOf("4", "done\n-# orch-1/result", "someone"),
    messageOf("3", "done\n-# orch-1/result"),
    messageOf("2", "hello"),
    messageOf("1", "### 2 results\n-# batch-1a"),
  ];
  const { items, oldest } = await posted({ history: async () => messages }).page("5");
  assert.deepEqual(
    items.map(({ message, mark }) => [message, mark?.delivery]),
    [
      ["3", "orch-1/result"],
      ["2", undefined],
      ["1", "batch-1a"],
    ],
  );
  assert.deepEqual(
    items.map(({ shown }) => shown !== undefined),
    [false, false, true],
    "only a message for many is read in full",
  );
  assert.equal(items[0]?.at, Date.parse(AT));
  assert.equal(oldest, undefined, "a page that is not full is the last one");
});

test("a full page of others' messages says where the next one begins", async () => {
  const asked: unknown[] = [];
  const full = Array.from({ length: 100 }, (_, n) => messageOf(String(500 - n), "x", "someone"));
  const { page } = posted({
    history: async (_, query) => {
      asked.push(query);
      return full;
    },
  });
  const { items, oldest } = await page("5", "900");
  assert.deepEqual([items, oldest], [[], { message: "401", at: Date.parse(AT) }]);
  assert.deepEqual(asked, [{ limit: 100, before: "900" }]);
});

test("a channel that is gone is said to be; when nobody can tell, the look fails instead", async () => {
  const failing = (kind: "unreachable-place" | "unsure") =>
    posted({ history: () => Promise.reject(new DiscordError({ kind, text: kind })) }).page("5");
  assert.deepEqual(await failing("unreachable-place"), { items: [], isGone: true });
  await assert.rejects(failing("unsure"), /unsure/);
});

test("a file of the agreed size is the agreed one and not read; another size is read, the words too when they are a file", async () => {
  const line = (id: string) => `ä \`${id}/log\``;
  const text = `${line("orch-1")}\n${line("orch-2")}`;
  const agreed = {
    members: ["orch-1/log", "orch-2/log"],
    body: JSON.stringify({ text: "", file: { name: "log.md", text } }),
  };
  const read: string[] = [];
  const { lines } = posted({
    file: async (url) => {
      read.push(url);
      return url === "gone" ? undefined : line(url === "second" ? "orch-2" : "orch-1");
    },
  });
  const fileOf = (size: number, name = "log.md", url = name) => ({ name, size, url });
  const timesIn = async (...files: ReturnType<typeof fileOf>[]) =>
    [...((await lines({ text: "", files }, agreed)) ?? [])].map(([, times]) => times);
  assert.deepEqual(await timesIn(fileOf(Buffer.byteLength(text))), [1, 1]);
  assert.deepEqual(read, []);
  assert.deepEqual(await timesIn(fileOf(text.length)), [1, 0], "bytes, not characters");
  assert.deepEqual(read, ["log.md"]);
  assert.deepEqual(await timesIn(fileOf(10, "log.md", "gone")), [0, 0]);
  const whole = fileOf(10, WHOLE_FILE);
  assert.deepEqual(await timesIn(whole), [1, 0], "the words were sent as a file");
  assert.deepEqual(await timesIn(whole, fileOf(10, "log.md", "second")), [1, 1], "and the lines as another");
});
