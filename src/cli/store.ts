import type { Command } from "commander";
import type { MoveReport } from "../app/move-store.ts";
import { FAULTS } from "../domain/audit-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Hq } from "./hq.ts";
import { readInstallation } from "./installation.ts";
import { jsonText, table } from "./print.ts";

type Options = { readonly to?: string; readonly dryRun?: true; readonly json?: true };

/** At most so often on a terminal. */
const SHOWN_EACH_MS = 200;

export function registerStore(program: Command, hq: Hq): void {
  const store = program.command("store").description("where the ledger is kept");
  store
    .command("migrate")
    .description("move the ledger of HQ_HOME with all its history into an empty PostgreSQL database")
    .option("--to <address>", "postgres://user@host:5432/database; default: DATABASE_URL")
    .option("--dry-run", "only look whether it can be done, and say what would be moved")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nThe supervisor is stopped meanwhile. All is moved in one transaction: interrupted, call it again.\nA password on a command line is seen by others: leave it out, and set PGPASSWORD or ~/.pgpass.",
    )
    .action((options: Options) => hq.run(() => migrate(hq, options)));
}

async function migrate({ io }: Hq, { to, dryRun, json }: Options): Promise<number> {
  const { loadConfig } = await import("../config/load.ts");
  const { moveStore } = await import("../app/move-store.ts");
  const { databaseOf, withPassword } = await import("../app/store.ts");
  const { place } = readInstallation(io);
  const loaded = loadConfig(place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", `The configuration in ${place.dir} is not valid.`, {
      hint: "`hq check` says what is wrong in it.",
    });
  }
  const address = to === undefined ? databaseOf(place.env, loaded.config) : withPassword(place.env, to);
  if (address === undefined) {
    throw new Refusal("invalid_input", "Say where it is to go: --to postgres://user@host:5432/database.");
  }
  let shownAt = 0;
  const onProgress = (text: string) => {
    if (!io.isErrTerminal || io.now() - shownAt < SHOWN_EACH_MS) return;
    shownAt = io.now();
    io.err(`\r\u001b[K${text}`);
  };
  const here = { home: place.home, config: loaded.config, now: io.now };
  const report = await moveStore(here, { to: address, dry: dryRun === true, onProgress }).finally(() => {
    if (shownAt > 0) io.err("\r\u001b[K");
  });
  if (json) io.out(`${jsonText(report)}\n`);
  else {
    io.out(textOf(report));
    io.err(nextStep(report));
  }
  return 0;
}

function textOf({ to, tables, position, before, after, wasThere }: MoveReport): string {
  if (wasThere) return `An earlier call had moved everything to ${to}.\n`;
  const rows = Object.entries(tables).map(([name, count]) => [name, String(count)]);
  const figures = (name: string, counts: MoveReport["before"]) =>
    counts ? `${name}: ${FAULTS.map((fault) => `${fault} ${counts[fault]}`).join(" · ")}\n` : "";
  return [
    table([["TABLE", "ROWS"], ...rows], 80),
    `Up to position ${position}\n`,
    figures("The file", before),
    figures(to, after),
  ].join("");
}

function nextStep({ to, dry, kept }: MoveReport): string {
  if (dry) return `Nothing was moved. ${to} can be reached and is empty.\n`;
  return `${kept ? `The file is kept as ${kept}. ` : ""}Set DATABASE_URL in .env to the address of ${to}, then: hq start\n`;
}
