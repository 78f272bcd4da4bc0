/**
 * usage: npm run test:chaos [-- --kills 400 --lanes 2 --only queue]
 * Kills a real supervisor with SIGKILL at all named crash points in turn, under load: delegations, their delivery while
 * Discord makes trouble, runs with a gate, tasks of the queue, map-reduces.
 */
import { parseArgs } from "node:util";
import { isClean, KINDS, type KindName, killAll, planOf, textOf } from "./kills.ts";

const { values } = parseArgs({
  options: {
    // More than half of them under 50 delegations each, a fifth under runs.
    kills: { type: "string", default: "400" },
    lanes: { type: "string", default: "2" },
    only: { type: "string" },
  },
});
const only = values.only as KindName | undefined;
if (only !== undefined && !(only in KINDS))
  throw new Error(`--only is one of ${Object.keys(KINDS).join(", ")}; it is "${only}"`);
const plan = only ? { [only]: Number(values.kills) } : planOf(Number(values.kills));
const totals = await killAll(plan, { lanes: Number(values.lanes), log: console.log });
console.log();
for (const [kind, killed] of totals) console.log(`${kind}: ${textOf(killed)}`);
const isWell = [...totals.values()].every(isClean);
const kills = [...totals.values()].reduce((sum, one) => sum + one.kills, 0);
console.log(`${isWell ? "clean" : "NOT clean"} after ${kills} kills`);
process.exitCode = isWell ? 0 : 1;
