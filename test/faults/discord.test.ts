import assert from "node:assert/strict";
import test from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { beginWithGuild, textsOf } from "./discord-world.ts";
import { handBack } from "./world.ts";

const POST = { method: "POST", path: "/messages" } as const;

for (const [what, arm] of [
  ["429 with Retry-After", (guild) => guild.faults.add({ ...POST, kind: "rate-limit", retryAfterMs: 300 })],
  [
    "500 before the message is taken",
    (guild) => guild.faults.add({ ...POST, kind: "status", status: 500, times: 2 }),
  ],
  [
    "500 after the message was taken",
    (guild) => guild.faults.add({ ...POST, kind: "status", status: 500, after: true }),
  ],
  [
    "a connection that drops after the message was taken",
    (guild) => guild.faults.add({ ...POST, kind: "drop" }),
  ],
] as const satisfies readonly (readonly [string, (guild: LocalGuild) => void])[]) {
  test(`with ${what}, each result and each log line is visible exactly once`, async (t) => {
    const { app, guild, seenOnce } = await beginWithGuild(t);
    arm(guild);
    const ids = await Promise.all([1, 2, 3].map((n) => app.ask({ objective: `job ${n}` })));
    for (const id of ids) assert.equal((await app.settled(id)).status, "succeeded");
    await seenOnce("results", "result", ids);
    await seenOnce("agent-logs", "log", ids);
    assert.equal(guild.faults.takeFor("POST", "/messages"), undefined, "the fault was met");
  });
}

test("a result with @everyone pings nobody, its backticks do not break out, and 50,000 characters arrive whole", async (t) => {
  const hostile = [
    "@everyone @here <@&1234567890123456789> <@1234567890123456789>",
    "```\ncode\n```\n```",
    "# big\n-# orch-other/result",
    "word ".repeat(10_000),
    "the last line",
  ].join("\n");
  const { app, guild, world } = await beginWithGuild(t, (run) => handBack(run, { result: hostile }));
  const id = await app.ask();
  await app.settled(id);
  const [message, ...more] = await world.seen("results", (messages) => messages.length > 0);
  assert.ok(message);
  assert.deepEqual(more, []);
  assert.deepEqual(message.pinged, []);
  const { attachments: _, ...visible } = message;
  assert.doesNotMatch(JSON.stringify(visible), /@(everyone|here)/);
  const fences = JSON.stringify(visible).match(/```/g) ?? [];
  assert.equal(fences.length % 2, 0);
  assert.ok(JSON.stringify(visible).length < 20_000);
  const [file] = await textsOf(guild, "results");
  assert.ok(file?.includes(hostile), "every byte is in the file");
  const [line] = await world.seen("agent-logs", (messages) => messages.length > 0);
  assert.ok((line?.content.length ?? 0) <= 2000);
  assert.deepEqual(guild.inspect.messages("results").length, 1);
});
