import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Way = Awaited<ReturnType<typeof createWay>>;

/**
 * A way to a port of this machine that can be interrupted as a network is: `cut` breaks what is open and refuses what
 * comes, `stall` lets nothing through and tells nobody. `mend` ends both; what was held back then arrives.
 */
export async function createWay(target: number) {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: "open" | "cut" | "stalled" = "open";

  function join([near, far]: readonly [Socket, Socket]): void {
    near.pipe(far);
    far.pipe(near);
  }

  function part([near, far]: readonly [Socket, Socket]): void {
    for (const socket of [near, far]) {
      socket.unpipe();
      socket.pause();
    }
  }

  const server = createServer((near) => {
    near.on("error", () => near.destroy());
    if (state === "cut") {
      near.destroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    far.on("error", () => far.destroy());
    const pair = [near, far] as const;
    pairs.add(pair);
    // Over a way that lets nothing through nobody hears of an end either.
    const end = () => {
      if (state === "stalled" || !pairs.delete(pair)) return;
      near.destroy();
      far.destroy();
    };
    near.once("close", end);
    far.once("close", end);
    if (state === "stalled") part(pair);
    else join(pair);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const destroyAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = "cut";
      destroyAll();
    },
    stall() {
      state = "stalled";
      for (const pair of pairs) part(pair);
    },
    mend() {
      const wasStalled = state === "stalled";
      state = "open";
      if (!wasStalled) return;
      for (const pair of pairs) {
        if (!pair.some((socket) => socket.destroyed)) {
          join(pair);
          continue;
        }
        for (const socket of pair) socket.destroy();
        pairs.delete(pair);
      }
    },
    async stop() {
      state = "cut";
      destroyAll();
      server.close();
      await once(server, "close");
    },
  };
}
