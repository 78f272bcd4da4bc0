import assert from "node:assert/strict";
import { request } from "node:http";
import test from "node:test";
import { agentHistoryOut, nowOut, runDrawing, searchOut, storyOut } from "../../src/api/page-outputs.ts";
import { createPageSessions } from "../../src/api/page-sessions.ts";
import { API_SETTINGS, agentToken, OPERATOR_KEY, openDoor } from "./api-scripted.ts";

type Opened = Awaited<ReturnType<typeof openDoor>>;
type Problem = { readonly code: string; readonly detail: string; readonly hint?: string };
type Link = { readonly url: string; readonly code: string; readonly expiresAt: number };
const json = async <T>(answer: Response) => (await answer.json()) as T;

/** What a page's browser keeps of the answer to a sign-in. */
const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

/** A request as the page's own script makes it. */
function fromPage(door: Opened, cookie: string, path: string, init: RequestInit = {}) {
  const headers = new Headers({
    origin: door.url,
    "sec-fetch-site": "same-origin",
    ...(cookie ? { cookie } : {}),
  });
  if (init.body !== undefined) headers.set("content-type", "application/json");
  return fetch(`${door.url}/api/v1${path}`, { ...init, headers });
}

const signIn = (door: Opened, body: object, cookie = "") =>
  fromPage(door, cookie, "/page/session", { method: "POST", body: JSON.stringify(body) });

async function signedIn(door: Opened): Promise<string> {
  return cookieOf(await signIn(door, { key: OPERATOR_KEY }));
}

/** Sends exactly these headers, those too that fetch sets by itself. */
function sendRaw(
  door: Opened,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port } = door;
    const call = request({ port, host: "127.0.0.1", path: `/api/v1${path}`, method, headers, agent: false });
    call.on("error", reject);
    call.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.end();
  });
}

test("the page and its files are served without a key, under a policy that runs nothing else", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const [path, type] of [
    ["/", /^text\/html/],
    ["/page/main.js", /javascript/],
  ] as const) {
    const answer = await fetch(`${door.url}${path}`);
    assert.deepEqual([answer.status, answer.headers.get("cache-control")], [200, "no-cache"], path);
    assert.match(answer.headers.get("content-type") ?? "", type);
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  }
  assert.equal((await fetch(`${door.url}/page/nothing.js`)).status, 404);
  for (const path of ["/page/%2e%2e/api/server.ts", "/page/..%2fapi/server.ts", "/page/../api/server.ts"])
    assert.notEqual((await fetch(`${door.url}${path}`)).status, 200, path);
  assert.equal((await fetch(`${door.url}/api/v1/delegations`)).status, 401);
});

test("HEAD of what needs no key answers as GET does, without a body", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const told = (answer: Response) =>
    ["content-type", "content-length", "cache-control"].map((name) => answer.headers.get(name));
  for (const path of [
    "/",
    "/page/main.js",
    "/api/v1/page/session",
    "/api/v1/health/live",
    "/api/health/check",
  ]) {
    const [got, asked] = await Promise.all([
      fetch(`${door.url}${path}`),
      fetch(`${door.url}${path}`, { method: "HEAD" }),
    ]);
    assert.deepEqual([asked.status, ...told(asked)], [got.status, ...told(got)], path);
    assert.equal((await asked.arrayBuffer()).byteLength, 0, path);
    assert.notEqual((await got.arrayBuffer()).byteLength, 0, path);
  }
  const statusOf = async (path: string) => (await fetch(`${door.url}${path}`, { method: "HEAD" })).status;
  assert.equal(await statusOf("/page/nothing.js"), 404);
  assert.equal(await statusOf("/api/v1/delegations"), 401, "what needs a key needs it for HEAD too");
});

test("a link signs in once; the cookie then reads and asks as the operator of the page", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const made = await door.call("/page/link", { method: "POST" });
  const link = await json<Link>(made);
  assert.equal(made.status, 201);
  assert.equal(link.url, `${door.url}/#code=${link.code}`);
  assert.equal(link.expiresAt, 1_700_000_000_000 + 10 * 60_000);

  const answer = await signIn(door, { code: link.code });
  const set = answer.headers.get("set-cookie") ?? "";
  assert.equal(answer.status, 200);
  assert.match(set, /^hq_page_\d+=[\w-]{43}; Path=\/api\/v1; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  const cookie = cookieOf(answer);
  const session = await json<object>(await fromPage(door, cookie, "/page/session"));
  assert.deepEqual(session, {
    signedIn: true,
    actor: "operator (page)",
    expiresAt: 1_700_000_000_000 + 12 * 3_600_000,
  });

  const body = JSON.stringify({ agent: "webster", objective: "Find the CTE of ULE" });
  assert.equal((await fromPage(door, cookie, "/delegations", { method: "POST", body })).status, 201);
  assert.deepEqual(door.requests[0]?.actor, { kind: "operator", via: "page" });

  const again = await signIn(door, { code: link.code });
  const problem = await json<Problem>(again);
  assert.deepEqual(
    [again.status, problem.code, again.headers.get("set-cookie")],
    [401, "unauthenticated", null],
  );
  assert.match(problem.hint ?? "", /hq page/);
});

test("the key signs in too; a wrong one, an agent's token and an unclear wish do not", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  assert.equal((await signIn(door, { key: OPERATOR_KEY })).status, 200);
  const refused = async (body: object) => {
    const answer = await signIn(door, body);
    return [answer.status, (await json<Problem>(answer)).code, answer.headers.get("set-cookie")];
  };
  assert.deepEqual(await refused({ key: "guessed" }), [401, "unauthenticated", null]);
  assert.deepEqual(await refused({ code: "guessed" }), [401, "unauthenticated", null]);
  assert.deepEqual(await refused({ key: agentToken("manager") }), [403, "not_allowed", null]);
  assert.deepEqual(await refused({}), [400, "invalid_input", null]);
  assert.deepEqual(await refused({ key: OPERATOR_KEY, code: "x" }), [400, "invalid_input", null]);
});

test("what can be no key and no code of ours is refused as such, not looked for", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const [what, most] of [
    ["key", 512],
    ["code", 200],
  ] as const) {
    const statusOf = async (length: number) => (await signIn(door, { [what]: "x".repeat(length) })).status;
    assert.deepEqual([await statusOf(0), await statusOf(most + 1)], [400, 400], what);
    assert.deepEqual([await statusOf(1), await statusOf(most)], [401, 401], what);
  }
});

test("the cookie of another supervisor on this machine is neither taken for ours nor hides it", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const cookie = await signedIn(door);
  const name = `hq_page_${door.port}`;
  assert.ok(cookie.startsWith(`${name}=`), cookie);
  const others = `${name}0=another; x_${name}=another; hq_page_1=another`;
  for (const sent of [`${others}; ${cookie}`, `${cookie}; ${others}`])
    assert.equal((await fromPage(door, sent, "/delegations")).status, 200, sent);
  const token = cookie.slice(name.length + 1);
  for (const sent of [`${name}0=${token}`, `x_${name}=${token}`])
    assert.equal((await fromPage(door, sent, "/delegations")).status, 401, sent);
});

test("whoever signs in once more in one browser ends what was signed in there", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const before = await signedIn(door);
  const after = cookieOf(await signIn(door, { key: OPERATOR_KEY }, before));
  assert.equal((await fromPage(door, before, "/delegations")).status, 401);
  assert.equal((await fromPage(door, after, "/delegations")).status, 200);
});

test("a cookie that was set over https is never sent without it", async (t) => {
  const door = await openDoor({
    settings: () => ({ ...API_SETTINGS, allowedHosts: ["hq.example.org:443"] }),
  });
  t.after(door.api.stop);
  const answer = await fetch(`${door.url}/api/v1/page/session`, {
    method: "POST",
    headers: { origin: "https://hq.example.org", "content-type": "application/json" },
    body: JSON.stringify({ key: OPERATOR_KEY }),
  });
  assert.match(answer.headers.get("set-cookie") ?? "", /; HttpOnly; SameSite=Strict; .*; Secure$/);
});

test("only the operator makes links", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  assert.equal((await door.call("/page/link", { method: "POST", key: agentToken("manager") })).status, 403);
  assert.equal((await door.call("/page/link", { method: "POST", key: undefined })).status, 401);
  const cookie = await signedIn(door);
  assert.equal((await fromPage(door, cookie, "/page/link", { method: "POST" })).status, 201);
});

test("without a cookie, or with one of another life, nobody is signed in", async (t) => {
  const first = await openDoor();
  const cookie = await signedIn(first);
  await first.api.stop();
  const door = await openDoor();
  t.after(door.api.stop);
  const same = cookie.replace(/^hq_page_\d+/, `hq_page_${door.port}`);
  for (const sent of ["", same, `${same}x`, `hq_page_${door.port}=`, "hq_page=x; =; ;"]) {
    assert.deepEqual(await json(await fromPage(door, sent, "/page/session")), { signedIn: false });
    assert.equal((await fromPage(door, sent, "/delegations")).status, 401);
  }
});

test("signing out ends the session and its open streams, and nobody else's", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const [one, other] = [await signedIn(door), await signedIn(door)];
  const stream = await fromPage(door, one, "/events");
  const reader = stream.body?.getReader();
  assert.ok(reader);
  assert.match(new TextDecoder().decode((await reader.read()).value), /^retry: /);
  const out = await fromPage(door, one, "/page/session", { method: "DELETE" });
  assert.deepEqual([out.status, await json(out)], [200, { signedIn: false }]);
  assert.match(out.headers.get("set-cookie") ?? "", /^hq_page_\d+=; .*Max-Age=0$/);
  assert.equal((await reader.read()).done, true);
  assert.equal((await fromPage(door, one, "/delegations")).status, 401);
  assert.equal((await fromPage(door, other, "/delegations")).status, 200);
});

test("another page cannot use the cookie, neither to change nor to read", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const cookie = await signedIn(door);
  const host = `127.0.0.1:${door.port}`;
  const neighbour = "http://127.0.0.1:8080";
  const made = () => sendRaw(door, "POST", "/page/link", { host, cookie, origin: door.url });
  assert.equal(await made(), 201);
  for (const headers of [
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: neighbour, "sec-fetch-site": "same-site" },
    { origin: neighbour },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    // Something old, or no browser at all: it does not say that it is the page.
    {},
    { "sec-fetch-site": "none" },
  ])
    assert.equal(
      await sendRaw(door, "POST", "/page/link", { host, cookie, ...headers }),
      403,
      JSON.stringify(headers),
    );
  for (const site of ["cross-site", "same-site"])
    assert.equal(await sendRaw(door, "GET", "/delegations", { host, cookie, "sec-fetch-site": site }), 403);
  for (const site of ["same-origin", "none"])
    assert.equal(await sendRaw(door, "GET", "/delegations", { host, cookie, "sec-fetch-site": site }), 200);
  assert.equal(await sendRaw(door, "GET", "/delegations", { host, cookie }), 200);
  const rebound = { host: `evil.example:${door.port}`, cookie, "sec-fetch-site": "same-origin" };
  assert.equal(await sendRaw(door, "GET", "/delegations", rebound), 403);
});

test("a key in the request counts before the cookie", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const cookie = await signedIn(door);
  const asAgent = await door.call("/page/link", {
    method: "POST",
    key: agentToken("manager"),
    headers: { cookie, origin: door.url },
  });
  assert.equal(asAgent.status, 403);
  const wrong = await door.call("/delegations", { key: "guessed", headers: { cookie } });
  assert.equal(wrong.status, 401);
});

test("what the page shows is read in one call each, as it is documented", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const made = await door.post("/delegations", { agent: "webster", objective: "Find the CTE of ULE" });
  const { id } = await json<{ id: string }>(made);
  const cookie = await signedIn(door);
  for (const [path, schema] of [
    ["/page/now", nowOut],
    [`/delegations/${id}/story`, storyOut],
    ["/agents/webster/history?limit=1", agentHistoryOut],
    ["/runs/wf-x/graph?format=json", runDrawing],
    ["/search?q=x", searchOut],
  ] as const) {
    const answer = await fromPage(door, cookie, path);
    assert.equal(answer.status, 200, path);
    schema.parse(await json(answer));
  }
  for (const path of [
    "/delegations/orch-none/story",
    "/agents/nobody/history",
    "/runs/wf-none/graph?format=json",
  ])
    assert.equal((await door.call(path)).status, 404, path);
  assert.equal((await door.call("/page/now", { key: agentToken("manager") })).status, 403);
  assert.equal((await door.call("/search?q=x", { key: undefined })).status, 401);
});

test("a run is drawn from left to right, with a line for each need", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  type Drawing = {
    readonly layout: string;
    readonly width: number;
    readonly nodes: readonly { readonly id: string; readonly x: number; readonly width: number }[];
    readonly edges: readonly {
      readonly from: string;
      readonly to: string;
      readonly points: readonly { x: number }[];
    }[];
  };
  const drawn = await json<Drawing>(await door.call("/runs/wf-x/graph?format=json"));
  const [a, b] = drawn.nodes;
  assert.ok(a && b && a.x + a.width / 2 < b.x - b.width / 2 && b.x + b.width / 2 <= drawn.width);
  assert.deepEqual(
    drawn.edges.map(({ from, to }) => [from, to]),
    [["a", "b"]],
  );
  assert.ok((drawn.edges[0]?.points.length ?? 0) >= 2);
});

test("a search takes whatever is typed, and lists of what is chosen", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const asked = async (query: string) => {
    const { items } = await json<{ items: { title: string }[] }>(await door.call(`/search${query}`));
    return JSON.parse(items[0]?.title ?? "") as unknown;
  };
  const nothing = { kinds: [], agents: [], statuses: [] };
  assert.deepEqual(await asked(""), { ...nothing, typed: "" });
  assert.deepEqual(await asked(`?q=${encodeURIComponent('"*" AND (')}`), { ...nothing, typed: '"*" AND (' });
  assert.deepEqual(await asked("?q=x&kind=run,task&agent=webster&status=failed,queued&before=z&limit=7"), {
    typed: "x",
    kinds: ["run", "task"],
    agents: ["webster"],
    statuses: ["failed", "queued"],
    before: "z",
    limit: 7,
  });
  assert.equal((await door.call(`/search?q=${"x".repeat(1000)}`)).status, 200);
  assert.deepEqual(await asked("?agent=webster&agent=manager,tech-lead"), {
    ...nothing,
    typed: "",
    agents: ["webster", "manager", "tech-lead"],
  });
  for (const query of ["?kind=delivery", "?limit=0", "?limit=101", "?quest=x", `?q=${"x".repeat(1001)}`])
    assert.equal((await door.call(`/search${query}`)).status, 400, query);
});

test("codes end after ten minutes, sessions after twelve hours", () => {
  let now = 0;
  const sessions = createPageSessions(() => now);
  const { code } = sessions.makeCode();
  const late = sessions.makeCode();
  now = 10 * 60_000 - 1;
  assert.equal(sessions.spend(code), true);
  assert.equal(sessions.spend(code), false);
  now = 10 * 60_000;
  assert.equal(sessions.spend(late.code), false);
  const { token, session } = sessions.open();
  now += 12 * 3_600_000 - 1;
  assert.equal(sessions.find(token)?.expiresAt, session.expiresAt);
  now += 1;
  assert.equal(sessions.find(token), undefined);
  assert.equal(session.over.aborted, true);
});

test("of links that nobody used the newest hundred are good, of sign-ins the newest thousand go on", (t) => {
  const sessions = createPageSessions(() => 0);
  t.after(sessions.endAll);
  const codes = Array.from({ length: 101 }, () => sessions.makeCode().code);
  assert.deepEqual(codes.slice(0, 2).map(sessions.spend), [false, true]);
  assert.equal(sessions.spend(codes.at(-1) ?? ""), true);
  const [oldest, next, ...others] = Array.from({ length: 1001 }, sessions.open);
  assert.ok(oldest && next);
  assert.equal(sessions.find(oldest.token), undefined);
  assert.equal(oldest.session.over.aborted, true, "what it has open ends with it");
  assert.equal(sessions.find(next.token)?.over.aborted, false);
  sessions.end(next.token);
  assert.deepEqual([sessions.find(next.token), next.session.over.aborted], [undefined, true]);
  assert.ok(others.every(({ session }) => !session.over.aborted));
  sessions.endAll();
  assert.ok(others.every(({ token, session }) => session.over.aborted && !sessions.find(token)));
});

test("a sign-in ends by itself, so that what is open ends with it although nobody asks", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { session } = createPageSessions(() => 0).open();
  t.mock.timers.tick(12 * 3_600_000 - 1);
  assert.equal(session.over.aborted, false);
  t.mock.timers.tick(1);
  assert.equal(session.over.aborted, true);
});

test("the cookie of a sign-in over https is never sent without", async (t) => {
  const allowedHosts = ["hq.example.org"];
  const door = await openDoor({ settings: () => ({ ...API_SETTINGS, allowedHosts }) });
  t.after(door.api.stop);
  const cookieFrom = async (origin: string) => {
    const answer = await fetch(`${door.url}/api/v1/page/session`, {
      method: "POST",
      headers: { origin, "sec-fetch-site": "same-origin", "content-type": "application/json" },
      body: JSON.stringify({ key: OPERATOR_KEY }),
    });
    return answer.headers.get("set-cookie") ?? "";
  };
  assert.match(await cookieFrom("https://hq.example.org"), /^hq_page_\d+=[^;]+; .*; Secure$/);
  assert.match(await cookieFrom(door.url), /; Max-Age=\d+$/);
});

test("of very many sign-ins the oldest ends", () => {
  const sessions = createPageSessions(() => 0);
  const first = sessions.open();
  const second = sessions.open();
  for (let i = 0; i < 999; i++) sessions.open();
  assert.equal(sessions.find(first.token), undefined);
  assert.equal(first.session.over.aborted, true);
  assert.ok(sessions.find(second.token));
  sessions.endAll();
  assert.equal(second.session.over.aborted, true);
});
