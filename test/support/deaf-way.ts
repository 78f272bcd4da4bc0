import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A way to a port of this machine that can be cut, so that answers are lost. */
export async function startDeafWay(t: TestContext, port: number) {
  let mode: "open" | "deaf" | "shut" = "open";
  let deafAt: string | undefined;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    if (mode === "shut") {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on("error", () => undefined);
      from.on("close", () => to.destroy());
    }
    near.on("data", (chunk: Buffer) => {
      if (deafAt !== undefined && chunk.includes(deafAt)) mode = "deaf";
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (mode !== "deaf") near.write(chunk);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
    pairs.clear();
  };
  t.after(() => {
    cut();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    cut,
    /** `from`: answers are lost from what is sent with these words on. */
    set(next: typeof mode, from?: string) {
      mode = next;
      deafAt = from;
    },
  };
}
