import { closeSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes `count` handoffs, `gapMs` apart on average, and prints "<name> <ns>" for each:
 * the instant just before the call that makes it whole.
 */
const [dir = "", mode = "rename", count = "1", gapMs = "0", prefix = "orch"] = process.argv.slice(2);

const lines: string[] = [];
for (let i = 0; i < Number(count); i++) {
  const name = `${prefix}-${i}.json`;
  const body = JSON.stringify({
    schemaVersion: "1.0",
    runId: `${prefix}-${i}`,
    agent: "webster",
    status: "complete",
    result: "x".repeat(800),
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: "2026-02-17T12:00:00Z",
  });
  let at: bigint;
  if (mode === "rename") {
    writeFileSync(join(dir, `.${name}.tmp`), body);
    at = process.hrtime.bigint();
    renameSync(join(dir, `.${name}.tmp`), join(dir, name));
  } else {
    const file = openSync(join(dir, name), "w");
    at = process.hrtime.bigint();
    writeSync(file, body);
    closeSync(file);
  }
  lines.push(`${name} ${at}`);
  const waitMs = Number(gapMs) * (0.5 + Math.random());
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
process.stdout.write(`${lines.join("\n")}\n`);
