import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openDesk, writeRun } from "./cli-harness.ts";

/** What stands between the command and the supervisor: passes on, or does something unkind first. */
type Unkind = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<Response>,
) => Promise<boolean>;

async function openFront(t: TestContext, unkind: Unkind) {
  const desk = await openDesk(t);
  const seen: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? "";
      seen.push(`${request.method} ${path}`);
      const body = await buffer(request);
      const pass = () => {
        const headers = Object.fromEntries(
          ["authorization", "content-type", "idempotency-key"].flatMap((name) =>
            request.headers[name] ? [[name, String(request.headers[name])]] : [],
          ),
        );
        return fetch(`${desk.door.url}${path}`, {
          method: request.method ?? "GET",
          headers,
          ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
        });
      };
      if (await unkind(request, response, pass)) return;
      const answer = await pass();
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      for await (const part of answer.body ?? []) response.write(part);
      response.end();
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  writeRun(desk.home, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { ...desk, count: (start: string) => seen.filter((line) => line.startsWith(start)).length };
}

/** Does it for the first `times` requests that match. */
function first(times: number, matches: (request: IncomingMessage) => boolean, act: Unkind): Unkind {
  let left = times;
  return async (request, response, pass) => {
    if (left === 0 || !matches(request)) return false;
    left--;
    return act(request, response, pass);
  };
}

const OPERATOR = { kind: "operator" } as const;
const REVIEW = {
  workflow: "design-review",
  inputs: { design: "A mirror" },
  origin: { door: "cli" },
} as const;
const isPost = (request: IncomingMessage) => request.method === "POST";

test("a supervisor that has much to do is waited for before it counts as none", async (t) => {
  const isLook = ({ url }: IncomingMessage) => url === "/api/v1/health/live";
  const late = first(1, isLook, async () => {
    await pause(2500);
    return false;
  });
  const { hq } = await openFront(t, late);
  const { code, err } = await hq("status");
  assert.equal(code, 0, err);
});

test("an answer that breaks after the work was taken is asked again, and the work is there once", async (t) => {
  const front = await openFront(
    t,
    first(2, isPost, async (_, response, pass) => {
      await pass();
      response.destroy();
      return true;
    }),
  );
  front.door.settleAll("succeeded", "once");
  const { code, out } = await front.hq("delegate", "webster", "x", "--format", "text");
  assert.deepEqual([code, out], [0, "once\n"]);
  assert.equal(front.count("POST"), 3);
  assert.equal((await front.door.verbs.delegations({})).items.length, 1);
});

test("a retry and a rerun whose answer breaks are sent again, with what the command saw of the run", async (t) => {
  const breaks: Unkind = async (_, response, pass) => {
    await pass();
    response.destroy();
    return true;
  };
  const acts = [["retry"], ["retry", "end", "--task", "Other"], ["rerun", "--from", "end"]] as const;
  for (const [act, ...more] of acts) {
    const front = await openFront(t, first(1, isPost, breaks));
    const { runs } = front.door;
    const { id } = (await runs.verbs.startRun(OPERATOR, REVIEW)).run;
    const { code, err } = await front.hq("workflow", act, id, ...more);
    assert.equal(code, 0, err);
    assert.equal(front.count("POST"), 2, act);
    const asked = runs.calls.map(({ said }) => said).slice(-2);
    assert.deepEqual(asked[0], asked[1], act);
    assert.equal((asked[0] as { resumes?: number }).resumes, 0, act);
  }
});

test("a rerun whose answer breaks is not sent again to a supervisor of an older version, which would do it twice", async (t) => {
  const front = await openFront(t, async (request, response, pass) => {
    const answer = await pass();
    if (isPost(request)) response.destroy();
    else {
      const { resumes: _, ...run } = (await answer.json()) as object & { resumes?: number };
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(run));
    }
    return true;
  });
  const { id } = (await front.door.runs.verbs.startRun(OPERATOR, REVIEW)).run;
  const { code, err } = await front.hq("workflow", "rerun", id, "--from", "end");
  assert.match(`${code} ${err}`, /^5 hq: The supervisor does not answer/);
  assert.equal(front.count("POST"), 1);
});

/** Takes the first piece of work, dies before it answers, and is not there for the next `looks` of whoever wants to know. */
function dyingFor(looks: number): Unkind {
  let isDead = false;
  const dies = first(1, isPost, async (_, response, pass) => {
    await pass();
    isDead = true;
    response.destroy();
    return true;
  });
  const away = first(
    looks,
    () => isDead,
    async (_, response) => {
      response.destroy();
      return true;
    },
  );
  return async (...given) => (await away(...given)) || dies(...given);
}

test("a supervisor that took the work and was killed before it answered is asked again when it is back, and the work is there once", async (t) => {
  const front = await openFront(t, dyingFor(4));
  front.door.settleAll("succeeded", "once");
  const { code, out, err } = await front.hq("delegate", "webster", "x", "--format", "text");
  assert.deepEqual([code, out], [0, "once\n"], err);
  assert.equal(front.count("POST"), 2);
  assert.equal((await front.door.verbs.delegations({})).items.length, 1);
});

test("of a supervisor that was killed under a question and stays away nobody says that it took nothing", async (t) => {
  const front = await openFront(t, dyingFor(Number.POSITIVE_INFINITY));
  let at = 0;
  const now = () => {
    at += 4000;
    return at;
  };
  const { createClient } = await import("../../src/cli/client.ts");
  const { createLink } = await import("../../src/cli/link.ts");
  const io = { env: { HQ_HOME: front.home }, cwd: front.home, installation: front.home, now: Date.now };
  const client = createClient(createLink(io as never, "none"), now);
  const asked = { method: "POST", path: "/delegations", key: "k", isRepeatable: true } as const;
  const body = { agent: "webster", objective: "x" };
  await assert.rejects(client.ask({ ...asked, body }), {
    code: "no_supervisor",
    message: "The supervisor does not answer.",
    hint: /what it accepted is kept/,
  });
  await assert.rejects(client.ask({ path: "/health/live" }), { message: /^No supervisor runs for / });
});

test("a supervisor that is just leaving is asked again", async (t) => {
  const front = await openFront(
    t,
    first(2, isPost, async (_, response) => {
      response.writeHead(503, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ code: "stopping", detail: "The supervisor is stopping." }));
      return true;
    }),
  );
  front.door.settleAll("succeeded", "done");
  assert.equal((await front.hq("delegate", "webster", "x")).code, 0);
  assert.equal(front.door.requests.length, 1);
});

test("being too quick is waited out, not failed", async (t) => {
  const front = await openFront(
    t,
    first(
      3,
      (request) => !request.url?.endsWith("/live"),
      async (_, response) => {
        response.writeHead(429, { "retry-after": "0", "content-type": "application/problem+json" });
        response.end("{}");
        return true;
      },
    ),
  );
  front.door.settleAll("succeeded", "done");
  assert.equal((await front.hq("delegate", "webster", "x")).code, 0);
});

test("an event stream that breaks in the middle of an event goes on without losing or repeating one", async (t) => {
  let broken = 0;
  const front = await openFront(t, async (request, response, pass) => {
    if (!request.url?.includes("/events") || broken === 2) return false;
    broken++;
    const answer = await pass();
    response.writeHead(200, { "content-type": "text/event-stream" });
    for await (const part of answer.body ?? []) {
      response.write(Buffer.from(part).subarray(0, 60), () => response.destroy());
      break;
    }
    return true;
  });
  front.door.settleAll("succeeded", "done");
  const { code, out } = await front.hq("delegate", "webster", "x", "--no-wait");
  assert.equal(code, 0);
  const { runId } = JSON.parse(out) as { runId: string };
  const logs = await front.hq("logs", runId, "--follow", "--json");
  const lines = logs.out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  assert.deepEqual([logs.code, lines], [0, ["delegation.queued", "delegation.settled"]]);
  assert.equal(broken, 2);
});

test("what must not be repeated is not: a broken answer to stop is no second stop", async (t) => {
  const front = await openFront(t, async (request, response) => {
    if (!isPost(request)) return false;
    response.destroy();
    return true;
  });
  const { createClient } = await import("../../src/cli/client.ts");
  const { createLink } = await import("../../src/cli/link.ts");
  const io = { env: { HQ_HOME: front.home }, cwd: front.home, installation: front.home, now: Date.now };
  const client = createClient(createLink(io as never, "none"), Date.now);
  await assert.rejects(client.ask({ method: "POST", path: "/stop" }), { code: "no_supervisor" });
  assert.equal(front.count("POST"), 1);
});

test("a supervisor that dies before or in the middle of a long answer is told in words", async (t) => {
  for (const begun of [false, true]) {
    const { hq } = await openFront(t, async ({ url = "" }, response) => {
      if (!/\/(audit|prune|export)/.test(url)) return false;
      if (!begun) response.socket?.destroy();
      else {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        response.write('{"progress":"1 row"}\n', () => response.socket?.destroy());
      }
      return true;
    });
    for (const argv of [
      ["audit", "--prove"],
      ["prune", "--older-than", "30d"],
      ["export", "events"],
    ]) {
      const { code, err } = await hq(...argv);
      assert.equal(
        `${code} ${err}`,
        "5 hq: The supervisor went before it had an answer.\nAsk again when it is back: nothing that it did is lost.\n",
        argv.join(" "),
      );
    }
  }
});
