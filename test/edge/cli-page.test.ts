import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { newRoot, runHq } from "./cli-process.ts";

const codeIn = (url: string) => new URL(url).hash.replace("#code=", "");

async function signIn(api: string, code: string): Promise<Response> {
  return fetch(`${api}/api/v1/page/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: api },
    body: JSON.stringify({ code }),
  });
}

test("`hq start` and `hq page` print links that sign in once each, and write them nowhere", async (t) => {
  using folder = temporaryFolder();
  const supervisor = await startSupervisor(folder.path);
  const { api, page } = supervisor.ready as { readonly api: string; readonly page?: string };
  assert.ok(page);
  assert.ok(page.startsWith(`${api}/#code=`));
  const { code, out, err } = await runHq(t, ["page"], { env: { HQ_HOME: folder.path }, cwd: folder.path });
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}\n$/);
  const json = await runHq(t, ["page", "--json"], { env: { HQ_HOME: folder.path }, cwd: folder.path });
  const third = JSON.parse(json.out) as {
    readonly url: string;
    readonly code: string;
    readonly expiresAt: number;
  };
  assert.equal(codeIn(third.url), third.code);
  assert.ok(third.expiresAt > Date.now() + 9 * 60_000);

  const codes = [codeIn(page), codeIn(out.trim()), third.code];
  for (const one of codes) {
    const answer = await signIn(api, one);
    assert.equal(answer.status, 200);
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const now = await fetch(`${api}/api/v1/page/now`, { headers: { cookie } });
    assert.equal(((await now.json()) as { ready: boolean }).ready, true);
    assert.equal((await signIn(api, one)).status, 401);
  }
  const kept = [
    join(folder.path, "run.json"),
    ...readdirSync(join(folder.path, "logs")).map((name) => join(folder.path, "logs", name)),
  ];
  for (const path of kept.filter((name) => /\.(json|log)$/.test(name))) {
    const text = readFileSync(path, "utf8");
    for (const one of codes) assert.ok(!text.includes(one), path);
  }
  await supervisor.stop();
});

test("without a supervisor there is no page", async (t) => {
  const { root, home } = newRoot(t);
  const { code, err } = await runHq(t, ["page"], { env: { HQ_HOME: home }, cwd: root });
  assert.equal(code, 5);
  assert.match(err, /hq start/);
});
