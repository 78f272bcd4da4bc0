import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";

export type Run = { readonly run: string; readonly attempt: number };

/** What a gateway does with one request; work is only done where the kind says so, or the answer is as it should be. */
export type Answer =
  | { readonly kind: "ok" }
  | { readonly kind: "status"; readonly status: number; readonly retryAfterS?: number }
  /** Reads the request and never answers. */
  | { readonly kind: "hang" }
  /** The connection breaks before anything is done. */
  | { readonly kind: "reset" }
  /** The work is done, then the connection breaks: the sender cannot know. */
  | { readonly kind: "done-then-reset" };

/** What an agent hands in first: what it should, a broken text, another run's name, or the right document in two parts. */
export type HandIn = "good" | "malformed" | "wrong-run" | "in-parts";

export type Behaviour = {
  /** `from` is the address of the supervisor that asks. */
  readonly answer: (run: Run, from: string) => Answer;
  readonly handIn: (run: Run) => HandIn;
  /** How long the agent works. */
  readonly worksMs: (run: Run) => number;
};

const WELL: Behaviour = { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 0 };
const PART_MS = 300;
const POST_AGAIN_MS = 100;
const POST_WITHIN_MS = 10_000;

/**
 * A gateway that outlives the supervisor and counts. `now` knows an idempotency key again, `feb` runs every request.
 * Each run writes its handoff file where the prompt says, a turn after the answer, or posts it there until it is taken;
 * a task `Do bad-<number>.` fails.
 */
export async function startCountingGateway(
  agent: string,
  version: "now" | "feb",
  behaviour = WELL,
  host = "127.0.0.1",
) {
  const startedAt = Date.now();
  const posts: Run[] = [];
  const executions: Run[] = [];
  const keys = new Set<string>();
  const stopped = new AbortController();
  let atWork = 0;
  let mostAtOnce = 0;

  function execute(message: string): void {
    const door = doorOf(message);
    const run = /^Run id: (\S+)$/m.exec(message)?.[1];
    const attempt = Number(/^Attempt: (\d+) of/m.exec(message)?.[1]);
    if (!door || !run || !attempt) throw new Error(`a prompt without door, run or attempt:\n${message}`);
    executions.push({ run, attempt });
    mostAtOnce = Math.max(mostAtOnce, ++atWork);
    const kind = behaviour.handIn({ run, attempt });
    const handoff = {
      schemaVersion: "1.0",
      runId: kind === "wrong-run" ? "orch-0-00000000" : run,
      agent,
      status: /^Do bad-\d+\.$/m.test(message) ? "failed" : "complete",
      result: `result of ${run}`,
      artifacts: [],
      confidence: "high",
      notes: "",
      timestamp: new Date().toISOString(),
    };
    const worksMs = behaviour.worksMs({ run, attempt });
    const finish = () => {
      atWork--;
      if ("path" in door) handIn(door.path, JSON.stringify(handoff), kind);
      else void post(door, JSON.stringify(handoff), stopped.signal);
    };
    if (worksMs > 0) setTimeout(finish, worksMs);
    else setImmediate(finish);
  }

  const server: Server = createServer((request, response) => {
    if (request.method === "GET") {
      const isPulse = version === "now" && request.url?.startsWith("/startup");
      response.writeHead(isPulse ? 200 : 404, { "content-type": "application/json" });
      response.end(
        isPulse
          ? JSON.stringify({
              ok: true,
              status: "started",
              version: "2026.9.6",
              uptimeMs: Date.now() - startedAt,
            })
          : "{}",
      );
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const key = String(request.headers["idempotency-key"]);
      const [id = "", attempt = "1"] = key.split("#");
      const run = { run: id, attempt: Number(attempt) };
      const answer = behaviour.answer(run, request.socket.remoteAddress ?? "");
      // What is refused was not taken: it may be sent again.
      if (answer.kind !== "status") posts.push(run);
      if (answer.kind === "ok" || answer.kind === "done-then-reset") {
        if (answer.kind === "ok") accept(response);
        else response.socket?.resetAndDestroy();
        if (version === "now" && keys.has(key)) return;
        keys.add(key);
        execute((JSON.parse(body) as { message: string }).message);
      } else if (answer.kind === "status") {
        const { status, retryAfterS } = answer;
        response.writeHead(status, retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) });
        response.end();
      } else if (answer.kind === "reset") response.socket?.resetAndDestroy();
    });
  });
  const accept = (response: ServerResponse) => {
    response.writeHead(version === "now" ? 200 : 202, { "content-type": "application/json" });
    response.end(JSON.stringify({ ok: true, runId: "11111111-1111-4111-8111-111111111111" }));
  };
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (!address || typeof address !== "object") throw new Error("no address");
  return {
    agent,
    version,
    url: `http://${host}:${address.port}`,
    posts,
    executions,
    /** How many runs were at work at the same time, at most. */
    mostAtOnce: () => mostAtOnce,
    async stop() {
      stopped.abort();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Door = { readonly path: string } | { readonly url: string; readonly token: string };

/** Where a prompt says that the handoff goes. */
function doorOf(message: string): Door | undefined {
  const path = /^(\/\S+\.json)$/m.exec(message)?.[1];
  if (path) return { path };
  const url = /^POST (http\S+)$/m.exec(message)?.[1];
  const token = /^Authorization: Bearer (\S+)$/m.exec(message)?.[1];
  return url && token ? { url, token } : undefined;
}

/** As agents do: again until somebody took it, or said that it is no longer wanted. */
async function post(
  { url, token }: { readonly url: string; readonly token: string },
  body: string,
  stopped: AbortSignal,
): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  while (!stopped.aborted) {
    try {
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(POST_WITHIN_MS)]);
      const { status } = await fetch(url, { method: "POST", headers, body, signal });
      if (status < 500 && status !== 429) return;
    } catch {
      // Nobody answered.
    }
    await new Promise((resolve) => setTimeout(resolve, POST_AGAIN_MS));
  }
}

function handIn(path: string, text: string, kind: HandIn): void {
  if (kind === "in-parts") {
    const middle = text.length >> 1;
    writeFileSync(path, text.slice(0, middle));
    setTimeout(() => writeFileSync(path, text.slice(middle), { flag: "a" }), PART_MS);
    return;
  }
  writeFileSync(`${path}.tmp`, kind === "malformed" ? `{"schemaVersion":"1.0","runId":}` : text);
  renameSync(`${path}.tmp`, path);
}

export type CountingGateway = Awaited<ReturnType<typeof startCountingGateway>>;
