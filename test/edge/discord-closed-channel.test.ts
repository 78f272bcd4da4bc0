import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { beginWithGuild } from "../faults/discord-world.ts";

const MINUTE = 60_000;
type Check = { readonly name: string; readonly ok: boolean; readonly text: string };

test("a channel that takes no posts is told in #agent-logs once and by status after five tries, until it takes them", async (t) => {
  const { clock, world, app, guild, seenOnce } = await beginWithGuild(t);
  const path = `/channels/${guild.inspect.channelId("results")}/messages`;
  const body = { code: 50013, message: "Missing Permissions" };
  guild.faults.add({ kind: "status", status: 403, body, method: "POST", path, times: 5 });
  const log = join(world.home, "logs", "supervisor.log");
  const triedAgain = () => readFileSync(log, "utf8").split("a post is tried again later").length - 1;
  const notices = () =>
    guild.inspect.messages("agent-logs").filter(({ content }) => content.includes("could not be posted"));
  const posts = async (): Promise<Check | undefined> => {
    const { body: health } = await app.call("GET", "/health/ready");
    assert.equal(health.ready, true);
    return health.checks.find(({ name }: Check) => name === "posts");
  };

  const ids = await Promise.all([1, 2].map((n) => app.ask({ objective: `job ${n}` })));
  for (const id of ids) await app.settled(id);
  for (let tries = 1; tries <= 5; tries++) {
    await app.poll("/health/live", () => triedAgain() >= tries * ids.length);
    if (tries === 5) break;
    assert.equal(await posts(), undefined);
    assert.deepEqual(notices(), []);
    clock.pass(5 * MINUTE);
    await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  }
  await world.seen("agent-logs", () => notices().length > 0);
  assert.match(
    notices()[0]?.content ?? "",
    /orch-\S+\/result could not be posted in the channel for results in five tries.*403.*Missing Permissions.*hq doctor/,
  );
  const check = await posts();
  assert.equal(check?.ok, false);
  assert.match(check?.text ?? "", /^2 posts wait after five tries or more: .*403.*`hq doctor`/);

  clock.pass(5 * MINUTE);
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  await seenOnce("results", "result", ids);
  await app.poll("/health/ready", ({ checks }) => !checks.some(({ name }: Check) => name === "posts"));
  assert.equal(notices().length, 1);
});
