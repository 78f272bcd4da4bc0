import { closeSync, constants, existsSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Settings } from "../domain/settings.ts";
import { makeFolder } from "../handoffs/make-folder.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";

/** A pipe without a reader is no place for a log, and nobody waits for one. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** A full disk has words of its own, and work goes on as soon as there is room. */
const FULL = new Set(["ENOSPC", "EDQUOT"]);

/** Makes what configuration says we write into, and refuses the start where nothing can be written. */
export function makeOwnFolders({ handoffs, logs }: Settings, configDir: string): void {
  const { projectLog } = logs;
  const wanted: readonly (readonly [setting: string, place: string])[] = [
    ["handoffs.dir", handoffs.dir],
    ["logs.dir", logs.dir],
    ...(projectLog === undefined ? [] : [["logs.project_log", dirname(projectLog)] as const]),
  ];
  for (const [setting, place] of wanted) {
    trying(setting, place, configDir, () => {
      makeFolder(place);
      const probe = join(place, `.hq-${process.pid}.tmp`);
      closeSync(openSync(probe, APPEND, 0o600));
      rmSync(probe);
    });
  }
  if (projectLog === undefined || !existsSync(projectLog)) return;
  trying("logs.project_log", projectLog, configDir, () => closeSync(openSync(projectLog, APPEND)));
}

function trying(setting: string, place: string, configDir: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (FULL.has(code)) return;
    const why = isRefusal(cause) ? cause.message : `${place} cannot be written (${code}).`;
    throw new Refusal("invalid_input", why, {
      hint: `${setting} in ${join(configDir, "hq.yaml")} says so: name another place there, or make this one writable for this user.`,
      cause,
    });
  }
}
