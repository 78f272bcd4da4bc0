/**
 * usage: npm run test:faults [-- --kills 1000 --power 200 --lanes 2] [--only tests|kills|power] [test/x.test.ts …]
 * Injects every fault of test/faults/rows: runs the tests that its rows name, kills with SIGKILL at all crash points,
 * and takes the power away. Prints one table and writes docs/reliability.md. With --only or named files the rest of the page
 * stays as the last run left it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { table } from "../../bench/report.ts";
import { KINDS, type Killed, type KindName, killAll, planOf } from "../chaos/kills.ts";
import { ROOT, temporaryFolder } from "../support/supervisor.ts";
import {
  type Counted,
  keyOf,
  type LastRun,
  outcomeOf,
  PAGE,
  RUN_FILE,
  readLastRun,
  renderPage,
} from "./page.ts";
import { losePower } from "./power-loss.ts";
import { fitsTitle, readSections, type Shown, shownBy } from "./rows.ts";

const { values, positionals: named } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "1000" },
    power: { type: "string", default: "200" },
    lanes: { type: "string", default: "2" },
    only: { type: "string" },
  },
});
const PARTS = ["tests", "kills", "power"];
if (values.only !== undefined && !PARTS.includes(values.only))
  throw new Error(`--only is one of ${PARTS.join(", ")}; it is "${values.only}"`);
const isAsked = (part: string) => (named.length > 0 ? part === "tests" : (values.only ?? part) === part);
const CUTS = 50;
const POWER = "power losses";
const killsOf = (kind: KindName) => `\`kill -9\`: ${kind}`;

const sections = readSections();
const before = readLastRun();

const tests = isAsked("tests") ? await runTests() : before.tests;
const power = isAsked("power") ? [await losePowers(Number(values.power))] : counted(before, [POWER]);
const killsBefore = counted(before, (Object.keys(KINDS) as KindName[]).map(killsOf));
let lastRun = write(killsBefore);
if (isAsked("kills")) {
  const plan = planOf(Number(values.kills));
  // Written after each round, so that what was done is not lost when the rest is broken off.
  await killAll(plan, {
    lanes: Number(values.lanes),
    log: console.log,
    onRound: (totals) => {
      lastRun = write(linesOf(totals));
    },
  });
}
process.exitCode = tell() ? 0 : 1;

function counted({ counts }: LastRun, names: readonly string[]): readonly Counted[] {
  return counts.filter(({ what }) => names.includes(what));
}

/** The tests that rows name, by file; others of the same files run along and count for nothing. */
async function runTests(): Promise<LastRun["tests"]> {
  const shown = sections.flatMap(({ rows }) => rows.flatMap(shownBy));
  const isWanted = ({ file }: Shown) => named.length === 0 || named.includes(file);
  const files = [...new Set(shown.filter(isWanted).map(({ file }) => file))];
  const reporter = join(ROOT, "test/faults/reporter.ts");
  // As `npm test` does: a file that is done leaves, past Node's own end, which may never come.
  const leaving = ["--no-maglev", "--import", join(ROOT, "test/support/leave.ts")];
  const limits = ["--test-concurrency=2", "--test-timeout=300000"];
  const args = [...leaving, "--test", ...limits, `--test-reporter=${reporter}`];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [...args, ...files.map((file) => join(ROOT, file))], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const ended: {
    readonly file: string;
    readonly name: string;
    readonly ok: boolean;
    readonly reason?: string;
  }[] = [];
  for await (const line of createInterface(child.stdout)) {
    const one = JSON.parse(line) as (typeof ended)[number];
    ended.push(one);
    if (!one.ok) console.log(`NOT passed: ${one.file}: ${one.name}\n  ${one.reason}`);
  }
  await closed;
  console.log(`${ended.length} tests of ${files.length} files ended`);
  const found = shown.map(({ file, title }) => {
    const key = keyOf(file, title);
    if (!isWanted({ file, title })) return [key, before.tests[key]] as const;
    const fits = fitsTitle(title);
    const own = ended.filter((one) => one.file === join(ROOT, file) && fits(one.name));
    return [key, { ran: own.length, passed: own.filter(({ ok }) => ok).length }] as const;
  });
  return Object.fromEntries(found.filter((entry) => entry[1] !== undefined)) as LastRun["tests"];
}

async function losePowers(least: number): Promise<Counted> {
  let injected = 0;
  let looked = 0;
  const lost: string[] = [];
  while (injected < least) {
    using folder = temporaryFolder("hq-power-");
    const round = await losePower(folder.path, CUTS);
    injected += round.losses;
    looked += round.acknowledged;
    lost.push(...round.lost);
    console.log(
      `power: ${round.losses} losses in ${round.calls} writes and syncs · lost ${round.lost.length}`,
    );
  }
  for (const line of lost.slice(0, 20)) console.log(line);
  const asked = `${looked.toLocaleString("en-US")} acknowledged writes looked up`;
  return { what: POWER, injected, asked, lost: lost.length, doubled: 0, unseen: 0 };
}

function linesOf(totals: ReadonlyMap<KindName, Killed>): readonly Counted[] {
  const kinds = Object.keys(KINDS) as KindName[];
  return kinds.flatMap((kind) => {
    const killed = totals.get(kind);
    if (!killed) return [];
    return {
      what: killsOf(kind),
      injected: killed.kills,
      asked: `${killed.asked.toLocaleString("en-US")} ${KINDS[kind].asks}`,
      lost: killed.lost.length,
      doubled: killed.doubled.length,
      unseen: killed.unseen.length,
    };
  });
}

function write(kills: readonly Counted[]): LastRun {
  const run: LastRun = { node: process.versions.node, tests, counts: [...kills, ...power] };
  writeFileSync(RUN_FILE, `${JSON.stringify(run, undefined, 2)}\n`);
  writeFileSync(PAGE, renderPage(run, sections));
  return run;
}

/** One table; true when everything is as it should be. */
function tell(): boolean {
  const rows = sections.flatMap((section) =>
    section.rows.map((row) => ({ row, ...outcomeOf(row, lastRun) })),
  );
  const passed = rows.filter(({ outcome }) => outcome === "passed").length;
  console.log(
    table(
      ["what", "times", "lost", "doubled", "unseen"],
      lastRun.counts.map(({ what, injected, lost, doubled, unseen }) =>
        [what, injected, lost, doubled, unseen].map(String),
      ),
    ),
  );
  const kinds = lastRun.counts.filter(({ what }) => what !== POWER);
  const times = kinds.reduce((sum, { injected }) => sum + injected, 0);
  console.log(`${passed} of ${rows.length} faults passed · ${times} kills`);
  for (const { row, outcome } of rows) if (outcome !== "passed") console.log(`${outcome}: ${row.fault}`);
  const isWell = lastRun.counts.every(({ lost, doubled, unseen }) => lost + doubled + unseen === 0);
  const losses = lastRun.counts.find(({ what }) => what === POWER)?.injected ?? 0;
  const isWhole = times >= Number(values.kills) && losses >= Number(values.power);
  if (!isWhole) console.log(`fewer than asked for: ${times} kills, ${losses} power losses`);
  console.log(`written: docs/reliability.md`);
  return isWell && isWhole && passed === rows.length;
}
