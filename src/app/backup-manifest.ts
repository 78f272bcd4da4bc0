import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../kernel/refusal.ts";
import { counted } from "../kernel/text.ts";
import type { LedgerCopy } from "../ledger/backup.ts";

export const FORMAT = 1;
export const MANIFEST = "backup.json";
export const LEDGER = "ledger.db";

export type BackupManifest = {
  readonly format: number;
  readonly version: string;
  /** Before anything was copied. */
  readonly at: string;
  readonly home: string;
  readonly ledger: { readonly position: number; readonly streams: number; readonly bytes: number };
  readonly files: number;
  readonly leftOut: readonly string[];
};

/** What a folder says of itself, when it is a backup that this program understands. */
export function readManifest(source: string): BackupManifest {
  const path = join(source, MANIFEST);
  if (!existsSync(path)) {
    throw new Refusal("not_found", `${source} is no backup: it has no ${MANIFEST}.`, {
      hint: "Name the folder that `hq backup` made; one that was broken off has no such file.",
    });
  }
  const said = jsonIn(path);
  if (!existsSync(join(source, LEDGER))) {
    throw new Refusal("not_found", `${source} is no whole backup: it has no ${LEDGER}.`, {
      hint: "Name another one.",
    });
  }
  const format = said?.["format"];
  if (typeof format === "number" && format > FORMAT) {
    const version = String(said?.["version"]);
    throw new Refusal("invalid_input", `The backup ${source} was made by a newer program (${version}).`, {
      hint: "Restore it with that program.",
    });
  }
  if (!isManifest(said)) throw damaged(path, "what `hq backup` wrote there is not all there");
  return said;
}

/** What lies there may be cut or mixed with another one: copied in part, or put together by hand. */
export function refuseOtherCopy(
  source: string,
  { ledger, files }: BackupManifest,
  { position, streams }: LedgerCopy,
): void {
  const hint = "Copy it again from where it was made, or name another one.";
  if (position !== ledger.position || streams !== ledger.streams) {
    const [told, found] = [ledger, { position, streams }].map(
      (of) => `position ${of.position} with ${counted(of.streams, "stream")}`,
    );
    const text = `${join(source, LEDGER)} is not the ledger of this backup: it goes to ${found}, and ${MANIFEST} says ${told}.`;
    throw new Refusal("invalid_input", text, { hint });
  }
  const there = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const found = there.length - [MANIFEST, LEDGER].length;
  if (found >= files) return;
  const text = `${source} is no whole backup: of ${files} files beside its ledger ${found} are there.`;
  throw new Refusal("invalid_input", text, { hint });
}

function isManifest(said: Readonly<Record<string, unknown>> | undefined): said is BackupManifest {
  const { format, version, at, files, ledger } = said ?? {};
  const of = isObject(ledger) ? ledger : {};
  const numbers = [format, files, of["position"], of["streams"]];
  return (
    numbers.every((number) => Number.isSafeInteger(number)) &&
    typeof version === "string" &&
    typeof at === "string" &&
    !Number.isNaN(Date.parse(at))
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function jsonIn(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const said: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isObject(said) ? said : undefined;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw damaged(path, cause.message, cause);
  }
}

function damaged(path: string, why: string, cause?: unknown): Refusal {
  return new Refusal("invalid_input", `${path} is damaged: ${why}.`, { hint: "Name another backup.", cause });
}
