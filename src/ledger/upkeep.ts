import type { DatabaseSync } from "node:sqlite";
import type { Upkeep } from "../engine/ports/upkeep.ts";
import type { Counters } from "./commit.ts";
import type { Leftovers } from "./leftovers.ts";
import { createPrune } from "./prune.ts";
import { createReader, createScanner } from "./scanner.ts";

/** Looks at the whole ledger from a thread of its own; only what is taken out is written over the one connection. */
export function createUpkeep(deps: {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly write: <T>(unit: () => T) => Promise<T>;
  readonly counters: Counters;
  readonly leftovers: Leftovers;
}): Upkeep {
  const scanner = createScanner(deps.path);
  return { ...createReader(scanner), ...createPrune({ ...deps, scanner }) };
}
