/**
 * usage: node test/chaos/run.ts [--kills 200] [--at-once 50] [--runs 100] [--map-kills 12]
 * Kills at all named crash points in turn, under load: first delegations, then runs of a diamond with a gate. Then kill -9
 * in the middle of a map-reduce of 60 items with 6 workers. Prints a table.
 */
import { CRASH_POINTS, RUN_CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { killMapReduce } from "./map-reduce.ts";
import { runRound, summary } from "./rounds.ts";
import { runDiamonds } from "./run-rounds.ts";

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

const diamonds = option("--runs", 100);
const perStart = 4;
if (diamonds > 0) {
  // A run passes no interaction.
  const all = [...RUN_CRASH_POINTS, ...CRASH_POINTS.filter((point) => !/^(interaction|card):/.test(point))];
  const points = Array.from(
    { length: Math.ceil(diamonds / perStart) },
    (_, index) => all[index % all.length] ?? RUN_CRASH_POINTS[0],
  );
  const round = await runDiamonds({ points, perKill: perStart, nth: (index) => 1 + ((index * 5) % 7) });
  console.log(
    `runs ${round.runs} · kills ${round.kills} · marked ambiguous ${round.ambiguous} · wrong ${round.wrong.length}`,
  );
  if (round.notPassed.length > 0) console.log(`not passed in time: ${round.notPassed.join(", ")}`);
  for (const line of round.wrong.slice(0, 20)) console.log(line);
  isClean &&= round.wrong.length === 0;
  done += round.kills;
}
const mapKills = option("--map-kills", 12);
if (mapKills > 0) {
  const items = 60;
  const killAt = Array.from({ length: mapKills }, (_, n) => Math.ceil(((n + 1) * items) / (mapKills + 1)));
  const mapped = await killMapReduce({ items, bad: [7, 31, 58], workers: 6, killAt });
  const { kills: ended, wrong, missing } = mapped;
  console.log(`map-reduce of ${items} items · kills ${ended} · wrong ${wrong.length}\n${missing.join("\n")}`);
  for (const line of wrong.slice(0, 20)) console.log(line);
  isClean &&= wrong.length === 0;
  done += ended;
}
console.log(isClean ? `clean after ${done} kills` : `NOT clean after ${done} kills`);
process.exitCode = isClean ? 0 : 1;
