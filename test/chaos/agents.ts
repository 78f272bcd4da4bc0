import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";

export type Run = { readonly run: string; readonly attempt: number };

/**
 * A gateway that outlives the supervisor and counts. `now` knows an idempotency key again, `feb` runs every request.
 * Each run writes its handoff file where the prompt says, a turn after the answer; a task `Do bad-<number>.` fails.
 */
export async function startCountingGateway(agent: string, version: "now" | "feb") {
  const startedAt = Date.now();
  const posts: Run[] = [];
  const executions: Run[] = [];
  const keys = new Set<string>();

  function execute(message: string): void {
    const path = /^(\/\S+\.json)$/m.exec(message)?.[1];
    const run = /^Run id: (\S+)$/m.exec(message)?.[1];
    const attempt = Number(/^Attempt: (\d+) of/m.exec(message)?.[1]);
    if (!path || !run || !attempt) throw new Error(`a prompt without path, run or attempt:\n${message}`);
    executions.push({ run, attempt });
    const handoff = {
      schemaVersion: "1.0",
      runId: run,
      agent,
      status: /^Do bad-\d+\.$/m.test(message) ? "failed" : "complete",
      result: `result of ${run}`,
      artifacts: [],
      confidence: "high",
      notes: "",
      timestamp: new Date().toISOString(),
    };
    setImmediate(() => {
      writeFileSync(`${path}.tmp`, JSON.stringify(handoff));
      renameSync(`${path}.tmp`, path);
    });
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
      const [run = "", attempt = "1"] = key.split("#");
      posts.push({ run, attempt: Number(attempt) });
      response.writeHead(version === "now" ? 200 : 202, { "content-type": "application/json" });
      response.end(JSON.stringify({ ok: true, runId: "11111111-1111-4111-8111-111111111111" }));
      if (version === "now" && keys.has(key)) return;
      keys.add(key);
      execute((JSON.parse(body) as { message: string }).message);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (!address || typeof address !== "object") throw new Error("no address");
  return {
    agent,
    version,
    url: `http://127.0.0.1:${address.port}`,
    posts,
    executions,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export type CountingGateway = Awaited<ReturnType<typeof startCountingGateway>>;
