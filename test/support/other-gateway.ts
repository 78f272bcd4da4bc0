import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A gateway of early 2026, as a process of its own: prints its address, then each message that it takes, as JSON. */
const [, , host = "127.0.0.1"] = process.argv;
const say = (text: string) => console.log(JSON.stringify(text));
const known = new Set<string>();

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    if (request.method !== "POST" || request.url !== "/hooks/agent") {
      response.writeHead(404).end();
      return;
    }
    const key = String(request.headers["idempotency-key"]);
    const { message } = JSON.parse(Buffer.concat(parts).toString()) as { message: string };
    response.writeHead(202, { "content-type": "application/json" });
    response.end(JSON.stringify({ ok: true, runId: key }));
    if (!known.has(key)) say(message);
    known.add(key);
  });
});
server.listen(0, host, () => say(`http://${host}:${(server.address() as AddressInfo).port}`));
