import { resolve } from "node:path";
import type { Command } from "commander";
import { Refusal } from "../kernel/refusal.ts";
import { counted } from "../kernel/text.ts";
import { findHome } from "./home.ts";
import type { Hq } from "./hq.ts";
import { readInstallation } from "./installation.ts";
import type { Io } from "./io.ts";
import { packed, unpacked } from "./packed-backup.ts";
import { jsonText } from "./print.ts";
import { findRunning } from "./running.ts";

const PACKED = /\.(tar\.gz|tgz)$/;

export function registerBackup(program: Command, hq: Hq): void {
  program
    .command("backup")
    .description("copy ledger, configuration and handoffs of open work, also while the supervisor works")
    .argument("<folder|file.tar.gz>", "where it goes; nothing is overwritten")
    .option("--json", "print JSON")
    .action((target: string, options: { json?: true }) => hq.run(() => backup(hq.io, target, options)));
  program
    .command("restore")
    .description("put a backup into HQ_HOME; refused while a supervisor runs, and over what is there")
    .argument("<folder|file.tar.gz>", "what hq backup made")
    .option("--force", "where HQ_HOME is not empty: keep what is there aside, and restore")
    .option("--json", "print JSON")
    .action((source: string, options: { force?: true; json?: true }) =>
      hq.run(() => restore(hq.io, source, options)),
    );
}

async function backup(io: Io, said: string, { json }: { readonly json?: true }): Promise<number> {
  const { loadConfig } = await import("../config/load.ts");
  const { makeBackup } = await import("../app/backup.ts");
  const { place, version } = readInstallation(io);
  refusePostgres(place.env);
  const loaded = loadConfig(place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", `The configuration in ${place.dir} is not valid.`, {
      hint: "`hq check` says what is wrong in it.",
    });
  }
  refusePostgres({ DATABASE_URL: loaded.config.settings.database });
  const target = resolve(io.cwd, said);
  const from = { home: place.home, configDir: place.dir, config: loaded.config, version, now: io.now };
  const manifest = PACKED.test(target)
    ? await packed(target, (folder) => makeBackup(from, folder))
    : await makeBackup(from, target);
  if (json) io.out(`${jsonText({ backup: target, ...manifest })}\n`);
  else {
    const { streams, position, bytes } = manifest.ledger;
    io.out(`${target}\n`);
    io.err(
      `${counted(streams, "stream")} up to position ${position} (${bytes} bytes, whole), ${counted(manifest.files, "file")}.\n`,
    );
    io.err(`Not in it: ${manifest.leftOut.join(", ")}.\n`);
  }
  return 0;
}

async function restore(
  io: Io,
  said: string,
  { force = false, json }: { readonly force?: boolean; readonly json?: true },
): Promise<number> {
  const { loadConfig } = await import("../config/load.ts");
  const { restoreBackup } = await import("../app/backup.ts");
  const { place } = readInstallation(io);
  refusePostgres(place.env);
  const used = loadConfig(place);
  if (used.ok) refusePostgres({ DATABASE_URL: used.config.settings.database });
  const { home } = findHome(io);
  const running = await findRunning(home);
  if (running) {
    throw new Refusal("locked", `A supervisor (pid ${running.pid}) works in ${home}.`, {
      hint: "Stop it with `hq stop`, or set HQ_HOME to another folder.",
    });
  }
  const source = resolve(io.cwd, said);
  const handoffs = () => {
    const loaded = loadConfig(place);
    return loaded.ok ? loaded.config.settings.handoffs.dir : undefined;
  };
  const here = { home, configDir: place.dir, now: io.now, handoffs };
  const restored = PACKED.test(source)
    ? await unpacked(source, home, (folder) => restoreBackup(here, folder, { force }))
    : await restoreBackup(here, source, { force });
  if (json) io.out(`${jsonText({ home, ...restored })}\n`);
  else {
    const { manifest, doubtful, config, handoffs, before } = restored;
    io.out(`${home}\n`);
    if (before) io.err(`What was there is kept in ${before}.\n`);
    io.err(
      `The state of ${manifest.at}; ${doubtful} open dispatches and messages are looked into before they are sent.\n`,
    );
    io.err(
      "What came after it is not known here: work that was open then goes on from there, and the steps, attempts and messages that it has had since are done once more. After the start, cancel what is not to be done again.\n",
    );
    const state = config.isUsed ? "is in use" : "differs perhaps from the one in use, which stays";
    io.err(`Its configuration lies in ${config.path} and ${state}.\n`);
    io.err(`Its handoffs lie in ${handoffs}.\n`);
    io.err(
      "Put api.key, secret.key and .env back if agents are to know this supervisor again; then `hq audit --prove` and `hq start`.\n",
    );
  }
  return 0;
}

/** Its own program makes copies of a database server. */
function refusePostgres({ DATABASE_URL }: Readonly<Record<string, string | undefined>>): void {
  if (!DATABASE_URL) return;
  throw new Refusal("invalid_input", "The ledger lies in PostgreSQL, which has programs for that.", {
    hint: 'pg_dump -Fc -n hq "$DATABASE_URL" > hq.dump, also while the supervisor works; keep HQ_HOME and config/ too. Putting it back: docs/guide/scale.md.',
  });
}
