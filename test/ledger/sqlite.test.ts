import { join } from "node:path";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { ledgerSuite } from "../contract/ledger.ts";

ledgerSuite("sqlite", (dir) => openSqliteLedger({ path: join(dir, "ledger.db"), ballastBytes: 0 }));
