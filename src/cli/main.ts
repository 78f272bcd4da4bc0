import { resolve } from "node:path";
import { processIo } from "./io.ts";
import { runCommandLine } from "./program.ts";

/** After this long whatever still holds the process is left behind, but for what a slow reader has not taken yet. */
const LEAVE_WITHIN_MS = 2000;
const INTERRUPTED = 130;

const io = processIo(resolve(import.meta.dirname, "..", ".."));
process.exitCode = await runCommandLine(process.argv.slice(2), io);
// Whoever pressed Ctrl-C waits for nobody.
if (process.exitCode !== INTERRUPTED) await io.taken();
setTimeout(() => process.exit(), LEAVE_WITHIN_MS).unref();
