import assert from "node:assert/strict";
import test from "node:test";
import { checkInteractions } from "../../src/cli/doctor/interactions-check.ts";
import { settingsOf } from "../support/core.ts";

const KEY = "ab".repeat(32);
const URL_OF_ALL = "https://hq.example.com/discord/interactions";
const application = (interactionsUrl?: string) => ({
  id: "7",
  name: "hq",
  hasMessageContent: true,
  publicKey: KEY,
  ...(interactionsUrl === undefined ? {} : { interactionsUrl }),
});

function findings(
  url: string | undefined,
  wish: { readonly publicKey?: string } | undefined,
  allowedHosts: readonly string[] = [],
) {
  const { discord, api, ...rest } = settingsOf("/nowhere");
  const settings = {
    ...rest,
    discord: { ...discord, ...(wish ? { interactionsByHttp: wish } : {}) },
    api: { ...api, allowedHosts },
  };
  return checkInteractions(application(url), settings);
}

test("without the endpoint and without an address there is nothing to say", () => {
  assert.deepEqual(findings(undefined, undefined), []);
});

test("an address at Discord that nobody answers at is a failure: commands are lost", () => {
  const [found, ...more] = findings(URL_OF_ALL, undefined);
  assert.equal(more.length, 0);
  assert.equal(found?.status, "fail");
  assert.match(found?.mend ?? "", /interactions_endpoint: true.*or empty .*applications\/7\/information/);
});

test("another application's key, another path and a name that is not answered are failures, each with its remedy", () => {
  const cases = [
    [findings(URL_OF_ALL, { publicKey: "cd".repeat(32) }, ["hq.example.com"]), new RegExp(`write ${KEY}`)],
    [findings("https://hq.example.com/", {}, ["hq.example.com"]), /end it with \/discord\/interactions/],
    [findings(URL_OF_ALL, {}, ["other.example.com"]), /add hq\.example\.com to api\.allowed_hosts/],
  ] as const;
  for (const [[found], mend] of cases) {
    assert.equal(found?.status, "fail");
    assert.match(found?.mend ?? "", mend);
  }
});

test("an endpoint that Discord does not know of is worth a word, one that it does is well", () => {
  assert.equal(findings(undefined, {})[0]?.status, "warn");
  assert.equal(findings(URL_OF_ALL, {}, ["hq.example.com"])[0]?.status, "ok");
  assert.equal(findings(URL_OF_ALL, { publicKey: KEY.toUpperCase() }, ["HQ.example.com"])[0]?.status, "ok");
  assert.equal(findings("http://127.0.0.1:18700/discord/interactions", {})[0]?.status, "ok");
});
