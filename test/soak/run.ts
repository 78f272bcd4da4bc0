/**
 * usage: npm run soak [-- --minutes 60 --warm-minutes 40 --per-second 20 --dir /var/tmp --seed 1 --keep]
 * A supervisor under steady load with mixed faults; prints whether its memory and its files stay, whether everything
 * that was asked was done once and seen once, and what grew on the disk.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PAGE, renderPage } from "../faults/page.ts";
import { cleanEnv, ROOT, type Supervisor } from "../support/supervisor.ts";
import { figuresOf, isFlat, isSoundSoak, LEAST_MINUTES, renderSoak, SOAK_FILE } from "./figures.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    "warm-minutes": { type: "string", default: "40" },
    "per-second": { type: "string", default: "20" },
    dir: { type: "string", default: "/var/tmp" },
    seed: { type: "string", default: "1" },
    keep: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const warmMinutes = Number(values["warm-minutes"]);
const forMs = minutes * 60_000;
const LOOK_MS = Math.min(2000, forMs / 120);
const COLLECT_MS = Math.min(20_000, forMs / 20);
const MB = 2 ** 20;

const folder = mkdtempSync(join(values.dir, "hq-soak-"));
let audit = { code: null as number | null, text: "" };
const done = await soak({
  folder,
  warmMs: warmMinutes * 60_000,
  forMs,
  perSecond: Number(values["per-second"]),
  lookMs: LOOK_MS,
  collectMs: COLLECT_MS,
  seed: Number(values.seed),
  onCollected({ at, live, resident, files, held, threads }, asked, settled) {
    console.log(
      `${new Date(at).toISOString()} holds ${(live / MB).toFixed(1)} MB · resident ${(resident / MB).toFixed(1)} MB · ${files} files (${held} for long) · ${threads} threads · asked ${asked} · settled ${settled}`,
    );
  },
  async atEnd(supervisor, home) {
    audit = await auditOf(supervisor, home);
  },
});
const command = `npm run soak -- --minutes ${minutes} --warm-minutes ${warmMinutes} --per-second ${values["per-second"]}`;
const figures = figuresOf(done, { command, minutes, warmMinutes, audit });
console.log(`\n${renderSoak(figures)}\n\n${audit.text}`);
const { lost, doubled, unseen, seenTwice } = done.verdict;
for (const line of [...lost, ...doubled, ...unseen, ...seenTwice].slice(0, 20)) console.log(line);
const isWell = isFlat(figures) && isSoundSoak(figures);
if (minutes >= LEAST_MINUTES) {
  writeFileSync(SOAK_FILE, `${JSON.stringify(figures, undefined, 2)}\n`);
  writeFileSync(PAGE, renderPage());
  console.log("written: docs/reliability.md");
}
if (values.keep || !isWell) console.log(`kept: ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exitCode = isWell ? 0 : 1;

/** The product's own proof, by its own command; the guild in this process is asked meanwhile. */
async function auditOf({ ready }: Supervisor, home: string) {
  const child = spawn(process.execPath, [join(ROOT, "bin/hq.js"), "audit", "--prove"], {
    env: cleanEnv({ HQ_HOME: home, HQ_PORT: new URL(ready.api).port }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const output of [child.stdout, child.stderr])
    output.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, text: text.trim() };
}
