import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

const EACH_WITHIN_MS = 1000;

/**
 * What the guide says a proxy before several supervisors does: each in turn, and the next one where one does not answer.
 * `origins` are theirs now, undefined where none runs; `keeps` says which headers go on.
 */
export async function startRoundRobin(given: {
  readonly address?: string;
  readonly origins: () => readonly (string | undefined)[];
  readonly keeps: (header: string) => boolean;
}) {
  const { address = "127.0.0.1", origins, keeps } = given;
  const taken = new Map<string, number>();
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
    const { method = "GET", url } = request;
    const headers = keptOf(request.headers);
    const first = turn++;
    const { length } = origins();
    for (let n = 0; n < length; n++) {
      const origin = origins()[(first + n) % length];
      if (origin === undefined) continue;
      try {
        const signal = AbortSignal.timeout(EACH_WITHIN_MS);
        const answer = await fetch(`${origin}${url}`, { method, headers, body, signal });
        const text = await answer.text();
        if (answer.ok) taken.set(origin, (taken.get(origin) ?? 0) + 1);
        if (answer.status < 500) return { status: answer.status, text };
      } catch {
        // Nobody there, cut off, or too slow.
      }
      retries++;
    }
    return { status: 503, text: "{}" };
  }

  function keptOf(headers: IncomingHttpHeaders): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => (keeps(name) ? [[name, String(value)]] : [])),
    );
  }

  server.listen(0, address);
  await once(server, "listening");
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    /** How many requests each took, by its origin. */
    taken,
    /** How often the next one was asked. */
    retries: () => retries,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
