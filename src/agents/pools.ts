import { readFileSync, statSync } from "node:fs";
import { Pool } from "undici";

const CONNECTIONS_PER_GATEWAY = 128;

type Found = { readonly ok: true; readonly pool: Pool } | { readonly ok: false; readonly text: string };
type Known = { readonly pool: Pool; readonly changedAt: number };

/** Connections to gateways, by address and by the certificates that are believed there. */
export function createPools(connectMs: number) {
  const pools = new Map<string, Known>();
  /** Of certificates that were replaced: what they carry ends by itself. */
  const old = new Set<Pool>();

  function open(origin: string, ca: string | undefined): Pool {
    return new Pool(origin, {
      connections: CONNECTIONS_PER_GATEWAY,
      connect: { timeout: connectMs, ...(ca === undefined ? {} : { ca }) },
    });
  }

  /** A file of certificates is read again when it changed. */
  function of(origin: string, caFile?: string): Found {
    const key = `${origin}\n${caFile ?? ""}`;
    const known = pools.get(key);
    try {
      const changedAt = caFile === undefined ? 0 : statSync(caFile).mtimeMs;
      if (known?.changedAt === changedAt) return { ok: true, pool: known.pool };
      const ca = caFile === undefined ? undefined : readFileSync(caFile, "utf8");
      if (ca?.includes("-----BEGIN CERTIFICATE-----") === false)
        return { ok: false, text: `${caFile} holds no certificate (PEM); nothing was sent` };
      const pool = open(origin, ca);
      if (known) retire(known.pool);
      pools.set(key, { pool, changedAt });
      return { ok: true, pool };
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      return { ok: false, text: `the certificates in ${caFile} cannot be read (${code}); nothing was sent` };
    }
  }

  function retire(pool: Pool): void {
    old.add(pool);
    void pool.close().finally(() => old.delete(pool));
  }

  return {
    of,
    async close(): Promise<void> {
      const all = [...[...pools.values()].map(({ pool }) => pool), ...old];
      await Promise.all(all.map((pool) => pool.destroy()));
    },
  };
}
