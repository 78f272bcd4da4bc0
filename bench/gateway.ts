import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

/** Run id, and ms of the machine's monotonic clock: when its hook had come, and when its handoff was there. */
export type Times = [run: string, came: number, written: number][];

const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Agents as a process of their own. Without a time every hook writes its handoff before the next turn; with one the
 * handoff follows after half to one and a half times as long, and its notes say after how many ms it was written.
 * Asked for "times", it sends its parent when each hook had come and when its handoff was there, and forgets them.
 * usage: gateway.ts [ms] → prints {"port": n}; the message must name the path and the run id as our prompts do.
 */
const takes = Number(process.argv[2] ?? 0);
let times: Times = [];
const server = createServer((request, response) => {
  const came = monotonicMs();
  let body = "";
  request.on("data", (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on("end", () => {
    if (request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    const { message } = JSON.parse(body) as { message: string };
    const path = /\/\S+\.json/.exec(message)?.[0] ?? "";
    const run = /([^/]+?)(?:\.\d+)?\.json$/.exec(path)?.[1] ?? "";
    const agent =
      request.headers["x-agent"] ?? /assignment to ([a-z-]+) from/.exec(message)?.[1] ?? "webster";
    response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true,"runId":"x"}');
    if (takes === 0) return handIn(path, run, agent, came);
    setTimeout(handIn, takes * (0.5 + Math.random()), path, run, agent, came);
  });
});

function handIn(path: string, runId: string, agent: string | string[], came: number): void {
  const handoff = {
    schemaVersion: "1.0",
    runId,
    agent,
    status: "complete",
    result: "done",
    artifacts: [],
    confidence: "high",
    notes: takes === 0 ? "" : String(monotonicMs() - came),
    timestamp: new Date().toISOString(),
  };
  const half = `${path}.tmp`;
  writeFileSync(half, JSON.stringify(handoff));
  renameSync(half, path);
  times.push([runId, came, monotonicMs()]);
}
process.on("message", () => {
  process.send?.(times);
  times = [];
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address && typeof address === "object")
    process.stdout.write(`${JSON.stringify({ port: address.port })}\n`);
});
process.on("disconnect", () => process.exit(0));
