import type { Client } from "pg";
import { type Connections, endSoon } from "./connect.ts";

/** How often is looked without having been called: a net, since a call may be lost with its connection. */
const LOOK_MS = 5000;
const AGAIN_MS = 500;

/** Tells when another coordinator wrote. Connects when the first one listens, and again whenever the connection is lost. */
export function createBells(connections: Connections, ownName: string) {
  const listeners = new Set<() => void>();
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let connecting: Promise<void> | undefined;
  let isStopped = false;

  function ring(): void {
    for (const listener of listeners) listener();
  }

  function after(ms: number): void {
    clearTimeout(timer);
    timer = isStopped || listeners.size === 0 ? undefined : setTimeout(look, ms);
  }

  function look(): void {
    ring();
    if (client) return after(LOOK_MS);
    connecting ??= connect().finally(() => {
      connecting = undefined;
    });
  }

  async function connect(): Promise<void> {
    let made: Client | undefined;
    try {
      made = await connections.connect();
      const heard = made;
      heard.on("notification", ({ payload }) => {
        if (payload !== ownName) ring();
      });
      heard.once("end", () => {
        if (client === heard) client = undefined;
        after(AGAIN_MS);
      });
      await heard.query("listen hq");
      client = heard;
      // What was written before it listened.
      ring();
      after(LOOK_MS);
    } catch {
      // The database is away; whoever writes or reads is told why.
      if (made) await endSoon(made.end());
      after(AGAIN_MS);
    }
  }

  return {
    onOthers(listener: () => void): () => void {
      listeners.add(listener);
      // Whoever comes when nobody listened any more begins anew.
      if (!timer && !connecting) look();
      return () => listeners.delete(listener);
    },
    async stop(): Promise<void> {
      isStopped = true;
      listeners.clear();
      clearTimeout(timer);
      await connecting;
      clearTimeout(timer);
      if (client) await endSoon(client.end());
    },
  };
}
