import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Answer = { readonly from: string; readonly status: number; readonly body: string; readonly ms: number };

/** Takes requests for several servers, as a proxy before them does: each goes to all of `to`, and the first good answer counts. */
export async function createBalancer() {
  let to: readonly string[] = [];
  const answers: Answer[] = [];

  async function pass(from: string, path: string, headers: Record<string, string>, body: Buffer) {
    const at = performance.now();
    const response = await fetch(`${from}${path}`, { method: "POST", headers, body: new Uint8Array(body) });
    const answer = { from, status: response.status, body: await response.text(), ms: performance.now() - at };
    answers.push(answer);
    if (response.status >= 500) throw new Error(`${from}: ${response.status} ${answer.body}`);
    return answer;
  }

  const server = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const headers = Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, value]) =>
          typeof value === "string" && !["host", "connection", "content-length"].includes(name)
            ? [[name, value]]
            : [],
        ),
      );
      Promise.any(to.map((from) => pass(from, request.url ?? "", headers, body))).then(
        (answer) => reply.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body),
        () => reply.writeHead(502).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(...servers: readonly string[]) {
      to = servers;
    },
    answers,
    stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}
