import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Seat } from "./cluster-members.ts";

const PATH = "/discord/interactions";
const EACH_WITHIN_MS = 1000;

/** What the guide says a proxy before several supervisors does: the next one is tried where one does not answer. */
export async function startBalancer(seats: readonly Seat[]) {
  let turn = 0;
  let retries = 0;
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
    const first = turn++;
    for (let n = 0; n < seats.length; n++) {
      const { supervisor } = seats[(first + n) % seats.length] as Seat;
      if (!supervisor) continue;
      try {
        const answer = await fetch(`${supervisor.ready.api}${PATH}`, {
          method: "POST",
          headers: headersOf(request),
          body,
          signal: AbortSignal.timeout(EACH_WITHIN_MS),
        });
        const text = await answer.text();
        if (answer.status < 500) return { status: answer.status, text };
      } catch {
        // Nobody there, cut off, or too slow.
      }
      retries++;
    }
    return { status: 503, text: "{}" };
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    retries: () => retries,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => name === "content-type" || name.startsWith("x-signature"),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
