import type { Socket } from "node:net";

/** Knows the sockets that are open; one with an error is closed. */
export function createSockets() {
  const open = new Set<Socket>();
  return {
    open,
    keep(socket: Socket): void {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      socket.on("error", () => socket.destroy());
    },
  };
}
