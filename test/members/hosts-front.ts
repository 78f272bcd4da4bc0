import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

const EACH_WITHIN_MS = 1000;

/** The proxy before several supervisors on other hosts: each in turn, and the next one where one does not answer. */
export async function startFront(address: string, members: readonly string[]) {
  const taken = new Map<string, number>();
  let turn = 0;
  const server = createServer((request, response) => {
    pass(request).then(
      ({ status, text }) => response.writeHead(status, { "content-type": "application/json" }).end(text),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });

  async function pass(request: IncomingMessage): Promise<{ readonly status: number; readonly text: string }> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const { method = "GET", url, headers } = request;
    const first = turn++;
    for (let n = 0; n < members.length; n++) {
      const member = members[(first + n) % members.length] as string;
      try {
        const answer = await fetch(`http://${member}${url}`, {
          method,
          headers: {
            authorization: headers.authorization ?? "",
            "content-type": headers["content-type"] ?? "application/json",
          },
          body,
          signal: AbortSignal.timeout(EACH_WITHIN_MS),
        });
        const text = await answer.text();
        if (answer.status >= 500) continue;
        if (answer.ok) taken.set(member, (taken.get(member) ?? 0) + 1);
        return { status: answer.status, text };
      } catch {
        // Nobody there, without a network, or too slow.
      }
    }
    return { status: 503, text: "{}" };
  }

  server.listen(0, address);
  await once(server, "listening");
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    /** How many handoffs each member took. */
    taken,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
