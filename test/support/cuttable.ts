import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Transform } from "node:stream";
import { createSockets } from "./sockets.ts";

/**
 * A way to a port of this machine that can be cut and mended, as a network is. `isNamed`: it passes for the server that
 * it leads to, whose answers name the way's port instead of its own, so that whoever goes on to an address goes by it;
 * with `there` alone the answers stay as they are, and whoever goes on goes by no way.
 */
export async function createCuttable({ isNamed = false }: { readonly isNamed?: boolean | "there" } = {}) {
  const { open, keep } = createSockets();
  let isCut = false;
  let target = 0;
  const server = createServer((near) => {
    keep(near);
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    keep(far);
    const { port } = server.address() as AddressInfo;
    if (isNamed) {
      near.pipe(renamed(port, target)).pipe(far);
      (isNamed === true ? far.pipe(renamed(target, port)) : far).pipe(near);
    } else near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (port: number) => {
      target = port;
    },
    cut,
    mend: () => {
      isCut = false;
    },
    stop: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** Ports that the system chooses have the same number of digits: no length that was announced changes. */
function renamed(from: number, to: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const text = chunk.toString("latin1").replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`);
      done(null, Buffer.from(text, "latin1"));
    },
  });
}
