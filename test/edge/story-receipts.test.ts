import assert from "node:assert/strict";
import test from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

type Seen = { readonly what: string; readonly channelName?: string; readonly link?: string };

test("the story of a delegation names the channels in which people can see it", async () => {
  using folder = temporaryFolder();
  const supervisor = await startSupervisor(folder.path);
  const { call } = supervisor;
  const begun = await call("POST", "/delegations", { agent: "webster", objective: "Find the CTE of ULE" });
  const id = begun.body.id as string;
  await call("GET", `/delegations/${id}?wait=60s`);
  let seen: readonly Seen[] = [];
  while (!seen.some(({ what }) => what === "result")) {
    const { body } = await call("GET", `/delegations/${id}/story`);
    seen = body.receipts as readonly Seen[];
  }
  const result = seen.find(({ what }) => what === "result");
  assert.equal(result?.channelName, "results");
  assert.match(result?.link ?? "", /^http:\/\/127\.0\.0\.1:\d+\/#channel=\d+$/);
  assert.ok(seen.every(({ channelName }) => channelName !== undefined && !/^\d+$/.test(channelName)));
  await supervisor.stop();
});
