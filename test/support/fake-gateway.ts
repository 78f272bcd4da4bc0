import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const LONGEST_BODY = 256 * 1024;
const BAD_TOKENS_PER_MINUTE = 20;

/** What the gateway does with a request to its hook. Only `ok`, `commit-then-…`, `slow-body` and `endless-body` start a run. */
export type FakeAnswer =
  | { readonly kind: "ok" }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Eight runs are under way: not admitted. */
  | { readonly kind: "busy" }
  | { readonly kind: "draining" }
  /** Reads the request and never answers. */
  | { readonly kind: "hang" }
  /** Sends the head of the answer a byte at a time, without end. */
  | { readonly kind: "slow-head" }
  /** A whole head with 2xx, then a body that drips. */
  | { readonly kind: "slow-body" }
  | { readonly kind: "endless-body" }
  /** Not HTTP at all. */
  | { readonly kind: "garbage" }
  | { readonly kind: "reset-before-reading" }
  | { readonly kind: "reset-after-receipt" }
  /** Starts the run, then the connection breaks: the sender cannot know. */
  | { readonly kind: "commit-then-drop" }
  /** Starts the run and never answers; `breakOff` ends that. */
  | { readonly kind: "commit-then-hang" };

export type FakeRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON, or {} when it was none or was not read. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
};

export type FakeRun = {
  readonly runId: string;
  readonly key: string | undefined;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
};

export type FakeGateway = {
  readonly url: string;
  /** Requests to the hook, in order; health requests are not among them. */
  readonly requests: readonly FakeRequest[];
  /** Work that was really taken: a known idempotency key starts none. */
  readonly runs: readonly FakeRun[];
  /** Paths that were asked for apart from the hook. */
  readonly asked: readonly string[];
  /** Answers the next requests in this order; the last one stays. */
  readonly answerWith: (...answers: readonly FakeAnswer[]) => void;
  /** Resolves when so many requests have reached the hook. */
  readonly requestsReach: (count: number) => Promise<void>;
  readonly runsReach: (count: number) => Promise<void>;
  /** Breaks every connection, and listens as before. */
  readonly breakOff: () => void;
  /** Breaks every connection and listens no more, until `start` on the same port. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Stops and starts: the uptime begins anew and all idempotency keys are forgotten. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/**
 * An agent's gateway as facts of OpenClaw have it, on a real socket. `now` answers 200, knows idempotency keys while it
 * runs, and tells its health; `feb` answers 202, knows no keys, and has no health paths.
 * `onRun` does the agent's work: it is not waited for before the answer, and what it throws comes out of `close`.
 */
export async function startFakeGateway(
  given: {
    readonly version?: "now" | "feb";
    readonly token?: string;
    readonly hooksPath?: string;
    readonly behaviour?: FakeAnswer | readonly FakeAnswer[];
    readonly onRun?: (run: FakeRun) => Promise<void> | void;
    readonly now?: () => number;
  } = {},
): Promise<FakeGateway> {
  const { version = "now", token, hooksPath = "/hooks/agent", onRun, now = Date.now } = given;
  const requests: FakeRequest[] = [];
  const runs: FakeRun[] = [];
  const asked: string[] = [];
  const failures: unknown[] = [];
  const work = new Set<Promise<void>>();
  const waiting = new Set<() => void>();
  const keys = new Map<string, string>();
  const sockets = new Set<Socket>();
  const drips = new Set<NodeJS.Timeout>();
  let answers: FakeAnswer[] = [given.behaviour ?? ({ kind: "ok" } as const)].flat();
  let badTokens: number[] = [];
  let startedAt = now();
  let port = 0;
  let server: Server | undefined;

  const tell = () => {
    for (const look of waiting) look();
  };
  const reach = (list: readonly unknown[], count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (list.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });

  function take(request: FakeRequest): string {
    const key = request.headers["idempotency-key"] ?? request.body.idempotencyKey;
    const name = typeof key === "string" ? key : undefined;
    // The same key with another message is other work to a real gateway.
    const identity = name && createHash("sha256").update(`${name}\n${request.text}`).digest("hex");
    const known = identity === undefined || version === "feb" ? undefined : keys.get(identity);
    if (known) return known;
    const run: FakeRun = {
      runId: randomUUID(),
      key: name,
      message: messageOf(request.body),
      body: request.body,
    };
    if (identity) keys.set(identity, run.runId);
    runs.push(run);
    const doing: Promise<void> = Promise.resolve(run)
      .then(onRun)
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => work.delete(doing));
    work.add(doing);
    return run.runId;
  }

  function drip(socket: Socket, text: string) {
    const timer = setInterval(() => {
      if (socket.destroyed) clearInterval(timer);
      else socket.write(text);
    }, 20);
    drips.add(timer);
  }

  function perform(answer: FakeAnswer, request: FakeRequest, response: ServerResponse): void {
    const { socket } = response;
    if (!socket) return;
    switch (answer.kind) {
      case "ok":
        return json(response, version === "feb" ? 202 : 200, { ok: true, runId: take(request) });
      case "status":
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body ?? "");
        return;
      case "busy":
        return json(response, 503, {
          ok: false,
          error: "hook agent run did not start before admission timeout",
        });
      case "draining":
        return json(response, 503, { error: { code: "gateway_unavailable" } });
      case "hang":
        return;
      case "commit-then-hang":
        take(request);
        return;
      case "slow-head":
        socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
        return drip(socket, "a");
      case "slow-body":
        take(request);
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
        return drip(socket, "1\r\n \r\n");
      case "endless-body":
        take(request);
        response.writeHead(200, { "content-type": "application/json" });
        return pour(response);
      case "garbage":
        socket.end("220 mail.example ESMTP\r\n");
        return;
      case "commit-then-drop":
        take(request);
        socket.resetAndDestroy();
        return;
      case "reset-before-reading":
      case "reset-after-receipt":
        socket.resetAndDestroy();
        return;
    }
  }

  async function hook(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const isUnread = answer?.kind === "reset-before-reading";
    const text = isUnread ? "" : await textOf(request);
    const { method = "", headers } = request;
    const got: FakeRequest = { method, path, headers, text, body: parse(text) };
    requests.push(got);
    tell();
    if (token !== undefined && headers.authorization !== `Bearer ${token}`) {
      badTokens = [...badTokens.filter((at) => now() - at < 60_000), now()];
      const isLocked = badTokens.length > BAD_TOKENS_PER_MINUTE;
      response.writeHead(isLocked ? 429 : 401, isLocked ? { "retry-after": "60" } : {});
      response.end(isLocked ? "Too Many Requests" : "Unauthorized");
      return;
    }
    if (method !== "POST") {
      response.writeHead(405, { allow: "POST" }).end("Method Not Allowed");
      return;
    }
    if (text.length > LONGEST_BODY) {
      if (version === "feb") response.socket?.resetAndDestroy();
      else json(response, 413, { ok: false, error: "payload too large" });
      return;
    }
    if (answer?.kind === "ok" && messageOf(got.body).trim() === "") {
      json(response, 400, { ok: false, error: "message required" });
      return;
    }
    perform(answer ?? { kind: "ok" }, got, response);
    tell();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://gateway").pathname;
    if (path === hooksPath) return hook(request, response, path);
    asked.push(path);
    const isNow = version === "now";
    if (isNow && /^\/startup(z)?$/.test(path)) {
      return json(response, 200, {
        ok: true,
        status: "started",
        version: "2026.9.6",
        uptimeMs: now() - startedAt,
      });
    }
    if (isNow && /^\/health(z)?$/.test(path)) return json(response, 200, { ok: true, status: "live" });
    response.writeHead(404, { "content-type": "text/plain" }).end("Not Found");
  }

  async function start(): Promise<void> {
    keys.clear();
    startedAt = now();
    const fresh = createServer((request, response) => {
      serve(request, response).catch((error: unknown) => {
        failures.push(error);
        response.destroy();
      });
    });
    fresh.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      // The other side breaks off on purpose in these tests.
      socket.on("error", () => socket.destroy());
    });
    fresh.listen(port, "127.0.0.1");
    await once(fresh, "listening");
    port = (fresh.address() as AddressInfo).port;
    server = fresh;
  }

  async function stop(): Promise<void> {
    const old = server;
    server = undefined;
    if (!old) return;
    const closed = once(old, "close");
    old.close();
    for (const timer of drips) clearInterval(timer);
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  }

  async function close(): Promise<void> {
    await stop();
    await Promise.all(work);
    if (failures.length > 0) throw new AggregateError(failures, "the fake gateway had failures");
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    runs,
    asked,
    answerWith: (...next) => {
      answers = [...next];
    },
    requestsReach: (count) => reach(requests, count),
    runsReach: (count) => reach(runs, count),
    breakOff() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function messageOf(body: FakeRequest["body"]): string {
  return typeof body.message === "string" ? body.message : "";
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function pour(response: ServerResponse): void {
  const chunk = " ".repeat(16 * 1024);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  response.on("error", () => response.destroy());
  more();
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text || "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
