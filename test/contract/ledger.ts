import { checkCommits } from "./ledger-commits.ts";
import { checkWith, type Open } from "./ledger-fixture.ts";
import { checkOutbox } from "./ledger-outbox.ts";
import { checkReads } from "./ledger-reads.ts";
import { checkSearch } from "./ledger-search.ts";
import { checkSlots } from "./ledger-slots.ts";
import { checkTallies } from "./ledger-tallies.ts";
import { checkTrail } from "./ledger-trail.ts";
import { checkUpkeep } from "./ledger-upkeep.ts";
import { checkWakes } from "./ledger-wakes.ts";

/** What every store must do. `open` opens the store of a folder: the same one each time, with all that was acknowledged. */
export function ledgerSuite(name: string, open: Open): void {
  const check = checkWith(name, open);
  checkCommits(check);
  checkOutbox(check);
  checkSlots(check);
  checkWakes(check);
  checkReads(check);
  checkSearch(check);
  checkTallies(check);
  checkTrail(check);
  checkUpkeep(check);
}
