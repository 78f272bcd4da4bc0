import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Asked = { readonly method: string; readonly path: string };

/** Passes every request on to one server, and keeps what was asked of it. */
export async function createRecorder(to: string) {
  const { origin, pathname } = new URL(to);
  const asked: Asked[] = [];
  const server = createServer((request, reply) => {
    const { method = "GET", url = "/" } = request;
    asked.push({ method, path: url });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void pass());
    async function pass() {
      const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        typeof value === "string" && !["host", "connection", "content-length"].includes(name)
          ? [[name, value]]
          : [],
      );
      try {
        const response = await fetch(`${origin}${url}`, {
          method,
          headers,
          ...(chunks.length > 0 ? { body: new Uint8Array(Buffer.concat(chunks)) } : {}),
        });
        const type = response.headers.get("content-type");
        reply.writeHead(response.status, type ? { "content-type": type } : {});
        reply.end(Buffer.from(await response.arrayBuffer()));
      } catch {
        reply.destroy();
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    asked,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
