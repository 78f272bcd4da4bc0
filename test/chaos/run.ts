/** usage: node test/chaos/run.ts [--kills 200] [--at-once 50]: kills at all named crash points in turn, under load; prints a table. */
import { CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { runRound, summary } from "./rounds.ts";

const args = process.argv.slice(2);
const option = (name: string, fallback: number) => {
  const at = args.indexOf(name);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const kills = option("--kills", 200);
const perKill = option("--at-once", 50);
const perRound = 25;
let done = 0;
let isClean = true;
for (let roundNo = 1; done < kills; roundNo++) {
  const count = Math.min(perRound, kills - done);
  const points = Array.from(
    { length: count },
    (_, index) => CRASH_POINTS[(done + index) % CRASH_POINTS.length] ?? CRASH_POINTS[0],
  );
  // Later passes die later: under load, in the middle of what others have begun.
  const round = await runRound({
    points,
    perKill,
    nth: (index, point) => (/^(interaction|card):/.test(point) ? 1 : 1 + ((index * 7 + roundNo * 3) % 20)),
  });
  const verdict = summary(round);
  console.log(`round ${roundNo}: ${verdict.text}`);
  isClean &&= verdict.isClean;
  if (round.kills === 0) throw new Error("no kill in a whole round");
  done += round.kills;
}
console.log(isClean ? `clean after ${done} kills` : `NOT clean after ${done} kills`);
process.exitCode = isClean ? 0 : 1;
