import assert from "node:assert/strict";
import test from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { beginWithGuild } from "./discord-world.ts";

type App = Awaited<ReturnType<typeof beginWithGuild>>["app"];

const isBack = (guild: LocalGuild, app: App) =>
  app.poll("/health/live", () => guild.inspect.handshakes().length > 1);
const DOUBLED = 50;

function wasDoubled({ faults }: LocalGuild): void {
  let left = 0;
  while (faults.takeEvent("duplicate-event", "MESSAGE_CREATE")) left++;
  assert.ok(left < DOUBLED, "events came twice");
}

for (const [what, arm, met] of [
  ["a gateway that drops", (guild) => guild.faults.dropGateway(), isBack],
  ["a session that is no longer valid", (guild) => guild.faults.invalidateSessions(false), isBack],
  [
    "events that come twice",
    (guild) => guild.faults.addEvent({ kind: "duplicate-event", times: DOUBLED }),
    wasDoubled,
  ],
] as const satisfies readonly (readonly [
  string,
  (guild: LocalGuild) => void,
  (guild: LocalGuild, app: App) => unknown,
])[]) {
  test(`with ${what}, each result and each log line is visible exactly once`, async (t) => {
    const { app, guild, seenOnce } = await beginWithGuild(t);
    await app.poll("/health/ready", ({ ready }) => ready);
    arm(guild);
    const ids = await Promise.all([1, 2, 3].map((n) => app.ask({ objective: `job ${n}` })));
    for (const id of ids) assert.equal((await app.settled(id)).status, "succeeded");
    await seenOnce("results", "result", ids);
    await seenOnce("agent-logs", "log", ids);
    await met(guild, app);
  });
}

test("twenty results that finish in an outage of a minute are each visible exactly once when it is over", async (t) => {
  const { clock, app, guild, seenOnce } = await beginWithGuild(t);
  guild.faults.outage(true);
  await app.poll("/health/ready", ({ ready }) => !ready);
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => app.ask({ objective: `job ${n}` })));
  for (const id of ids) assert.equal((await app.settled(id)).status, "succeeded", "work goes on meanwhile");
  assert.deepEqual(guild.inspect.messages("results"), []);
  clock.pass(60_000);
  guild.faults.outage(false);
  await seenOnce("results", "result", ids);
  await seenOnce("agent-logs", "log", ids);
});
