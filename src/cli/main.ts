import { resolve } from "node:path";
import { processIo } from "./io.ts";
import { runCommandLine } from "./program.ts";

/** After this long whatever still holds the process is left behind. */
const LEAVE_WITHIN_MS = 2000;

const io = processIo(resolve(import.meta.dirname, "..", ".."));
process.exitCode = await runCommandLine(process.argv.slice(2), io);
setTimeout(() => process.exit(), LEAVE_WITHIN_MS).unref();
