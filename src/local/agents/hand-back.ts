import { mkdirSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { basename, dirname, join, resolve, sep } from "node:path";

/** Where a result goes: the file that the prompt names, or the coordinator's REST route with the run's token. */
export type Return =
  | { readonly via: "file"; readonly path: string }
  | { readonly via: "rest"; readonly url: string; readonly token: string };

/** Whether a file may be written there: inside the folder by its text, and by where its links lead. Makes the folders. */
export function isInside(folder: string, path: string): boolean {
  const root = resolve(folder);
  const wanted = resolve(path);
  if (!wanted.startsWith(root + sep)) return false;
  mkdirSync(dirname(wanted), { recursive: true });
  const real = realpathSync(dirname(wanted));
  const realRoot = realpathSync(root);
  return real === realRoot || real.startsWith(realRoot + sep);
}

/** Writes whole or not at all: a temporary name first, which no inbox reads, then the final one. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** POSTs a handoff with the run's token; resolves with the status. */
export function postHandoff(url: string, token: string, text: string): Promise<number> {
  return new Promise((done, fail) => {
    const call = request(
      url,
      {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        timeout: 10_000,
      },
      (response) => {
        response.resume();
        response.on("end", () => done(response.statusCode ?? 0));
        response.on("error", fail);
      },
    );
    call.on("timeout", () => call.destroy(new Error("the coordinator did not answer within 10 s")));
    call.on("error", fail);
    call.end(text);
  });
}
