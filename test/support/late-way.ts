import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createSockets } from "./sockets.ts";

/**
 * A way to a port of this machine on which bytes may be late, as in a network that holds them: from what `holds` on,
 * whatever was sent is kept and delivered by `deliver`, also when whoever sent it is gone by then.
 */
export async function createLateWay(target: number) {
  const { open, keep } = createSockets();
  const holding = Promise.withResolvers<void>();
  let holds: ((sent: string) => boolean) | undefined;
  const kept: { readonly far: Socket; readonly bytes: Buffer[] }[] = [];
  const server = createServer((near) => {
    keep(near);
    const far = connect(target, "127.0.0.1");
    keep(far);
    let late: Buffer[] | undefined;
    near.on("data", (chunk: Buffer) => {
      if (!late && holds?.(chunk.toString("latin1"))) {
        late = [];
        kept.push({ far, bytes: late });
        holding.resolve();
      }
      if (late) late.push(chunk);
      else far.write(chunk);
    });
    far.pipe(near);
    near.once("close", () => {
      if (!late) far.destroy();
    });
    far.once("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** Resolves once the first such bytes are held, with their connection. */
    hold(when: (sent: string) => boolean): Promise<void> {
      holds = when;
      return holding.promise;
    },
    /** Resolves once each held connection was answered. */
    async deliver(): Promise<void> {
      await Promise.all(
        kept.splice(0).map(async ({ far, bytes }) => {
          const answered = once(far.unpipe().resume(), "data");
          far.write(Buffer.concat(bytes));
          await answered;
          far.destroy();
        }),
      );
    },
    async stop(): Promise<void> {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
