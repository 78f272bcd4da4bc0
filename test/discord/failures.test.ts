import assert from "node:assert/strict";
import test from "node:test";
import { DiscordAPIError, HTTPError, RateLimitError } from "discord.js";
import { customId, hashedSubject, parseCustomId } from "../../src/discord/custom-id.ts";
import { failureOf, isWorthRetrying, withoutTokens } from "../../src/discord/discord-failure.ts";
import { dayDelay, identifyDelay } from "../../src/discord/identify.ts";
import { backoffMs, planMissingPlace, planRetry, planUnknownGuild } from "../../src/discord/retry-plan.ts";

const TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4OnNlY3JldA";
const BOT = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;

function apiError(status: number, code: number, url = "https://discord.com/api/v10/channels/1/messages") {
  return new DiscordAPIError({ code, message: "no" }, code, status, "POST", url, {
    files: undefined,
    body: undefined,
  });
}

test("no token of an interaction, a webhook or a bot is in what is said about a failure", () => {
  for (const url of [
    `https://discord.com/api/v10/interactions/123/${TOKEN}/callback`,
    `https://discord.com/api/v10/webhooks/123/${TOKEN}/messages/%40original`,
  ]) {
    const { text } = failureOf(apiError(404, 10062, url));
    assert.ok(!text.includes(TOKEN), text);
    assert.match(text, /404/);
  }
  assert.ok(!failureOf(new Error(`bad header Authorization: Bot ${BOT}`)).text.includes(BOT));
  assert.ok(!withoutTokens(`token ${BOT} leaked`).includes(BOT));
});

test("each answer of Discord has its own consequence", () => {
  assert.equal(failureOf(apiError(401, 0)).kind, "unauthorized");
  assert.equal(failureOf(apiError(403, 50001)).kind, "unreachable-place");
  assert.equal(failureOf(apiError(404, 10003)).kind, "unreachable-place");
  assert.equal(failureOf(apiError(400, 50035)).kind, "refused");
  const unavailable = new HTTPError(503, "no", "POST", "https://discord.com/api", {
    files: undefined,
    body: undefined,
  });
  assert.equal(failureOf(unavailable).kind, "unsure");
  assert.equal(failureOf(new Error("read ECONNRESET")).kind, "unsure");
  const limited = failureOf(
    new RateLimitError({
      timeToReset: 0,
      limit: 5,
      method: "POST",
      hash: "h",
      url: "u",
      route: "/channels/:id/messages",
      majorParameter: "1",
      global: false,
      retryAfter: 42_000,
      sublimitTimeout: 0,
      scope: "user",
    }),
  );
  assert.deepEqual([limited.kind, limited.retryAfterMs], ["limited", 42_000]);
});

test("posts are tried again after 2, 4, 8, 16, 32 seconds, then each minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map(backoffMs), [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test("Retry-After is honoured, and a closed place is tried each five minutes and reported after five tries", () => {
  const plan = planRetry(
    { kind: "limited", text: "", retryAfterMs: 42_000 },
    { tries: 1, failures: 1 },
    1000,
  );
  assert.equal(plan.outcome.dueAt, 43_000);
  const fraction = planRetry(
    { kind: "limited", text: "", retryAfterMs: 1100.2 },
    { tries: 1, failures: 1 },
    1000,
  );
  assert.equal(fraction.outcome.dueAt, 2101, "a whole instant, and not too early");
  const closed = (tries: number) =>
    planRetry({ kind: "unreachable-place", text: "403" }, { tries, failures: 1 }, 0);
  assert.equal(closed(1).outcome.dueAt, 300_000);
  assert.deepEqual(
    [1, 4, 5, 6].map((tries) => closed(tries).isTrouble),
    [false, false, true, true],
  );
  const failing = planRetry({ kind: "unsure", text: "503" }, { tries: 9, failures: 5 }, 0);
  assert.deepEqual([failing.isTrouble, failing.isLasting], [false, true], "Discord's own failure");
  assert.equal(planRetry({ kind: "unsure", text: "503" }, { tries: 9, failures: 4 }, 0).isLasting, false);
  const again = (failures: number) =>
    planRetry({ kind: "limited", text: "429", retryAfterMs: 50 }, { tries: 9, failures }, 0);
  assert.deepEqual(
    [1, 2, 4, 5].map((failures) => [again(failures).outcome.dueAt, again(failures).isLasting]),
    [
      [50, false],
      [4000, false],
      [16_000, false],
      [32_000, true],
    ],
    "a short wait that is asked for time and again",
  );
  const limited = (retryAfterMs: number) =>
    planRetry({ kind: "limited", text: "429", retryAfterMs }, { tries: 1, failures: 1 }, 0);
  assert.deepEqual(
    [59_999, 60_000].map((ms) => limited(ms).isLasting),
    [false, true],
  );
});

test("what one failure says of its channel, of people and of the next try is the same whenever it comes", () => {
  const kinds = ["limited", "withheld", "unsure", "unauthorized", "unreachable-place", "refused"] as const;
  const plans = kinds.map((kind) => {
    const plan = planRetry({ kind, text: kind }, { tries: 5, failures: 2 }, 1000);
    return [kind, plan.outcome.dueAt - 1000, plan.isWholeChannel, plan.isTrouble, plan.isLasting];
  });
  assert.deepEqual(plans, [
    ["limited", 4000, true, false, false],
    ["withheld", 0, true, false, false],
    ["unsure", 4000, true, false, false],
    ["unauthorized", 60_000, true, true, true],
    ["unreachable-place", 300_000, true, true, true],
    ["refused", 300_000, false, true, true],
  ]);
  assert.deepEqual(planMissingPlace("no #results", 5, 0), {
    outcome: { kind: "again", dueAt: 300_000, reason: "no #results" },
    isWholeChannel: true,
    isTrouble: true,
    isLasting: true,
  });
  assert.deepEqual(planUnknownGuild(1000).dueAt, 1500);
  assert.equal(backoffMs(0), 2000, "a limit without a time, before anything failed");
});

test("a wrong token or a missing intent is not tried again, a network error is", () => {
  assert.ok(
    !isWorthRetrying(Object.assign(new Error("An invalid token was provided."), { code: "TokenInvalid" })),
  );
  assert.ok(!isWorthRetrying(new Error("Used disallowed intents")));
  assert.ok(isWorthRetrying(new Error("connect ECONNREFUSED 127.0.0.1:1")));
});

test("sessions are begun five seconds apart, ever slower when they do not last, and not at all near Discord's limit", () => {
  const plenty = { remaining: 900, resetAfterMs: 0 };
  assert.equal(identifyDelay([], plenty, 10_000), 0);
  assert.equal(identifyDelay([8000], plenty, 10_000), 3000);
  const burst = [0, 5000, 10_000, 15_000, 20_000, 30_000];
  assert.equal(identifyDelay(burst, plenty, 30_000), 40_000);
  const many = Array.from({ length: 50 }, (_, n) => n * 1000);
  assert.equal(identifyDelay(many, plenty, 49_000), 2 * 60_000, "a day has 720 of these");
  const lasted = Array.from({ length: 20 }, (_, n) => n * 149_000);
  assert.equal(identifyDelay(lasted, plenty, 20 * 149_000), 0, "none waits that comes after one that lasted");
  assert.equal(identifyDelay(many, plenty, 49_000 + 31 * 60_000), 0);
  assert.equal(identifyDelay([], { remaining: 10, resetAfterMs: 3_600_000 }, 0), 3_600_000);
});

test("sessions of all who share the ledger are five seconds apart, spread over the day once half of it is used, and end before Discord's 1,000", () => {
  assert.equal(dayDelay([], 10_000), 0);
  assert.equal(dayDelay([8000], 10_000), 3000);
  const day = 24 * 3_600_000;
  const begun: number[] = [];
  const firsts: number[] = [];
  for (let now = 0; now < 5 * day; now += dayDelay(begun, now)) {
    begun.push(now);
    firsts.push(begun.filter((at) => now - at < day).length);
  }
  assert.ok(Math.max(...firsts) <= 975, "never more in any 24 hours");
  const crowd = Array.from({ length: 980 }, (_, n) => n * 1000);
  assert.equal(dayDelay(crowd, 980_000), 5000 + day - 980_000, "until the fifth oldest of 980 is a day old");
  assert.equal(begun.filter((at) => at < 2500_000).length, 500, "the first half as fast as Discord lets us");
  assert.equal(dayDelay([20_000], 10_000), 5000, "a clock that went back waits no longer");
});

test("a button's id says what to do and about what; a subject that is too long becomes a digest", () => {
  assert.equal(customId("cancel", "orch-1"), "d1:cancel:orch-1");
  assert.deepEqual(parseCustomId("d1:cancel:orch-1"), { action: "cancel", subject: "orch-1" });
  const long = "x".repeat(120);
  assert.ok(customId("cancel", long).length <= 100);
  assert.deepEqual(parseCustomId(customId("cancel", long)), {
    action: "cancel",
    subject: hashedSubject(long),
  });
  assert.equal(parseCustomId("someone-elses"), undefined);
});
