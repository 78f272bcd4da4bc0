import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { readCluster } from "./here.ts";
import { show, shownTable } from "./standings.ts";
import { findWays } from "./ways.ts";

const UNREACHABLE = 5;

/** 0 when all that were asked for run and answer, else 5. */
export async function runStatus(
  io: Io,
  words: readonly string[],
  options: { readonly json?: true },
): Promise<number> {
  const cluster = readCluster(io, words);
  const ways = await findWays(io);
  const shown = await Promise.all(cluster.instances.map((instance) => show(instance, ways)));
  io.out(options.json ? `${jsonText(shown)}\n` : shownTable(shown));
  const asked = words.length === 0 ? shown.filter(({ state }) => state !== "not made") : shown;
  if (asked.length === 0) io.err("No instance is made yet: hq cluster init\n");
  return asked.length > 0 && asked.every(({ answers }) => answers) ? 0 : UNREACHABLE;
}
