/**
 * A small gateway as a process: `node gateway-script.ts gateway`. It reads OPENCLAW_CONFIG_PATH as the real one does,
 * listens there, and takes hooks with the token of its environment. `HQ_TEST_MODE` says how it misbehaves.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const mode = process.env["HQ_TEST_MODE"] ?? "";
if (mode === "config") process.exit(78);
if (mode === "crash") {
  process.stderr.write("it crashed\n");
  process.exit(1);
}
const config = JSON.parse(readFileSync(process.env["OPENCLAW_CONFIG_PATH"] ?? "", "utf8")) as {
  readonly gateway: { readonly port: number };
};
// A tool that left the gateway's session and would outlive it.
if (mode === "tool") spawn("sleep", ["600"], { detached: true, stdio: "ignore" }).unref();
if (mode === "stubborn") process.on("SIGTERM", () => process.stdout.write("I am at my turn\n"));

const startedAt = Date.now();
const server = createServer((request, response) => {
  const answer = (status: number, body: object) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  process.stdout.write(`${request.method} ${request.url}\n`);
  if (request.url === "/startupz")
    return answer(200, { version: "script", uptimeMs: Date.now() - startedAt });
  if (request.url === "/health") return answer(200, { ok: true, status: "live" });
  if (request.url === "/environment") return answer(200, process.env);
  if (!request.url?.startsWith("/hooks/")) return answer(404, {});
  const isRight = request.headers.authorization === `Bearer ${process.env["HQ_HOOKS_TOKEN"]}`;
  return isRight ? answer(200, { ok: true, runId: "r-1" }) : answer(401, {});
});
server.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
server.listen(config.gateway.port, "127.0.0.1", () =>
  process.stdout.write(`listening, process ${process.pid}\n`),
);
