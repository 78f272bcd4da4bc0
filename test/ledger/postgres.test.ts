import { after } from "node:test";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { ledgerSuite } from "../contract/ledger.ts";
import { startPostgres } from "../support/postgres.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** A database for each folder. */
const urls = new Map<string, Promise<string>>();

ledgerSuite("postgres", async (dir) => {
  const url = urls.get(dir) ?? postgres.createDatabase();
  urls.set(dir, url);
  return openPostgresLedger({ url: await url });
});
