import { writeSync } from "node:fs";
import { moveStore } from "../../src/app/move-store.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ROOT } from "../support/supervisor.ts";

/** Moves the ledger of a folder and says each step on stdout, so that a test can kill it there: `<home> <url>`. */
const [, , home = "", to = ""] = process.argv;
const loaded = loadConfig({ dir: `${ROOT}/config`, installation: ROOT, home, env: {} });
if (!loaded.ok) throw new Error(JSON.stringify(loaded));
const onProgress = (text: string) => void writeSync(1, `${text}\n`);
await moveStore({ home, config: loaded.config, now: Date.now }, { to, dry: false, onProgress });
writeSync(1, "done\n");
