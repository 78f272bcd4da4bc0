import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const MOST_RUNS = 8;
const LONGEST_BODY = 256 * 1024;
const KEYS_REMEMBERED = 5_000;
const AUTH_FAILURES_PER_MINUTE = 20;

/** A message that the hook took. `done` frees its place; call it once. */
export type Admitted = { readonly hookRunId: string; readonly message: string; readonly done: () => void };

type Outcome = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> };
const refused = (status: number, error: string): Outcome => ({ status, body: { ok: false, error } });
/** As the gateway words it when the ninth run waited too long. */
const NOT_ADMITTED = "hook agent run did not start before admission timeout";

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= LONGEST_BODY) chunks.push(chunk);
  }
  return size > LONGEST_BODY ? undefined : Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/**
 * One gateway as the coordinator sees it: `POST /hooks/agent` and the health paths of OpenClaw.
 * `admit` may refuse a message (true = busy) before it counts.
 */
export function createHookServer(given: {
  readonly agent: string;
  readonly version: string;
  readonly now: () => number;
  readonly token?: () => string | undefined;
  readonly busy: (message: string) => boolean;
  readonly admitted: (run: Admitted & { readonly key?: string }, acceptedAt: number) => void;
}) {
  const startedAt = given.now();
  const keys = new Map<string, string>();
  let running = 0;
  let failures: number[] = [];

  function checkToken(request: IncomingMessage): Outcome | undefined {
    const token = given.token?.();
    if (token === undefined || token === "") return undefined;
    const now = given.now();
    failures = failures.filter((at) => now - at < 60_000);
    const header = request.headers["x-openclaw-token"] ?? request.headers.authorization ?? "";
    if (sameText(String(header).replace(/^Bearer\s+/i, ""), token)) return undefined;
    failures.push(now);
    return failures.length > AUTH_FAILURES_PER_MINUTE
      ? { status: 429, body: "Too Many Requests", headers: { "retry-after": "60" } }
      : { status: 401, body: "Unauthorized" };
  }

  function remember(key: string | undefined, hookRunId: string): void {
    if (key === undefined) return;
    keys.set(key, hookRunId);
    const [oldest] = keys.keys();
    if (keys.size > KEYS_REMEMBERED && oldest !== undefined) keys.delete(oldest);
  }

  function take(body: Record<string, unknown>, header: string | undefined): Outcome {
    const message = typeof body.message === "string" ? body.message.trim() : "";
    if (message === "") return refused(400, "message required");
    if ((body.channel === undefined) !== (body.to === undefined)) {
      return refused(400, "channel and to must be given together");
    }
    const key = (
      header ?? (typeof body.idempotencyKey === "string" ? body.idempotencyKey : undefined)
    )?.slice(0, 256);
    const known = key === undefined ? undefined : keys.get(key);
    if (known !== undefined) return { status: 200, body: { ok: true, runId: known } };
    if (running >= MOST_RUNS || given.busy(message)) return refused(503, NOT_ADMITTED);
    const hookRunId = randomUUID();
    admit(hookRunId, message, key, given.now());
    return { status: 200, body: { ok: true, runId: hookRunId } };
  }

  function admit(hookRunId: string, message: string, key: string | undefined, acceptedAt: number): void {
    remember(key, hookRunId);
    running += 1;
    let open = true;
    const done = () => {
      if (open) running -= 1;
      open = false;
    };
    given.admitted({ hookRunId, message, done, ...(key === undefined ? {} : { key }) }, acceptedAt);
  }

  async function answer(request: IncomingMessage): Promise<Outcome> {
    const path = new URL(request.url ?? "/", "http://agent").pathname;
    const uptimeMs = given.now() - startedAt;
    const live = { ok: true, status: "live", agent: given.agent, sample: true };
    if (path === "/health" || path === "/healthz") return { status: 200, body: live };
    if (path === "/ready" || path === "/readyz") return { status: 200, body: { ready: true } };
    if (path === "/startup" || path === "/startupz") {
      return { status: 200, body: { ok: true, status: "started", version: given.version, uptimeMs } };
    }
    if (path !== "/hooks/agent") return { status: 404, body: "Not Found" };
    if (request.method !== "POST")
      return { status: 405, body: "Method Not Allowed", headers: { allow: "POST" } };
    if (request.headers.origin !== undefined) return { status: 403, body: "Forbidden" };
    const denied = checkToken(request);
    if (denied) return denied;
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
      return refused(415, "content-type must be application/json");
    }
    const text = await bodyOf(request);
    if (text === undefined) return refused(413, "payload too large");
    const body = parse(text);
    if (!body) return refused(400, "invalid JSON body");
    const header = request.headers["idempotency-key"];
    return take(body, typeof header === "string" ? header : undefined);
  }

  function send(response: ServerResponse, { status, body, headers }: Outcome): void {
    const isText = typeof body === "string";
    response.writeHead(status, {
      "content-type": isText ? "text/plain; charset=utf-8" : "application/json; charset=utf-8",
      ...headers,
    });
    response.end(isText ? body : JSON.stringify(body));
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (outcome) => send(response, outcome),
      (cause: unknown) => response.destroy(cause instanceof Error ? cause : new Error(String(cause))),
    );
  });
  server.on("clientError", (_error, socket) => socket.destroy());

  return {
    /** Resolves with the base address. */
    async listen(port: number): Promise<string> {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", () => {
          server.off("error", reject);
          resolve();
        });
      });
      const address = server.address();
      if (typeof address !== "object" || address === null) throw new Error("the agent has no address");
      return `http://127.0.0.1:${address.port}`;
    },
    /** Takes up a run that was accepted before a restart. */
    resume: (run: { hookRunId: string; message: string; key?: string; acceptedAt: number }) =>
      admit(run.hookRunId, run.message, run.key, run.acceptedAt),
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
