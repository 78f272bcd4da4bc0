/**
 * How long a workflow file takes to be read and checked, beside what the YAML parser alone takes for the same text.
 *
 * usage: node bench/load-workflow.ts
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { workflowPlaceOf } from "../src/app/workflow-place.ts";
import { loadConfig } from "../src/config/load.ts";
import { loadWorkflows } from "../src/config/workflows.ts";

const ROUNDS = 9;
const GOAL_MS = 150;
const root = join(import.meta.dirname, "..");

/** A chain: each step uses an input and the result of the step before. */
function fileOf(steps: number): string {
  const lines = Array.from({ length: steps }, (_, index) => {
    const before = index > 0 ? ` After \${{ steps.step-${index - 1}.result }}` : "";
    const needs = index > 0 ? `    needs: [step-${index - 1}]\n` : "";
    return `  step-${index}:\n${needs}    agent: webster\n    task: "Look up \${{ inputs.topic }} number ${index}.${before}"\n`;
  });
  return `name: large\ndescription: Many steps\ninputs:\n  topic: { required: true }\nsteps:\n${lines.join("")}`;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

function timed(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

const config = loadConfig({
  dir: join(root, "config"),
  installation: root,
  home: join(root, ".hq"),
  env: {},
});
if (!config.ok) throw new Error("the shipped configuration is not valid");
const place = workflowPlaceOf(config.config);
const home = mkdtempSync(join(tmpdir(), "hq-bench-"));
try {
  for (const steps of [100, 1000, 2000, 4000, 10_000]) {
    const text = fileOf(steps);
    const dir = join(home, String(steps));
    mkdirSync(dir);
    writeFileSync(join(dir, "large.yaml"), text);
    const bare: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(timed(() => parse(text)));
      whole.push(
        timed(() => {
          const { entries } = loadWorkflows({ ...place, dir });
          if (entries[0]?.definition?.steps.length !== steps)
            throw new Error(entries[0]?.problems.join("\n"));
        }),
      );
    }
    const goal = steps === 1000 ? ` (goal ${GOAL_MS} ms)` : "";
    const first = `first ${(whole[0] ?? 0).toFixed(0)} ms, then`;
    console.log(
      `${steps} steps, ${Math.round(text.length / 1024)} KiB: ${first} ${median(whole).toFixed(0)} ms${goal}; the YAML parser alone ${median(bare).toFixed(0)} ms`,
    );
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
