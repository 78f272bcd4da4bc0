import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readBootId, readProcess } from "../workers/processes.ts";

/** Who keeps an instance; a start time tells a process from a later one with its number. */
export type Holder = { readonly pid: number; readonly startTime: string; readonly boot: string };
type Claim = Holder & { readonly released?: true };

const NAME = /^keeper-(\d+)\.claim$/;

export function thisProcess(): Holder {
  return {
    pid: process.pid,
    startTime: readProcess(process.pid)?.startTime ?? "",
    boot: readBootId(),
  };
}

export function lives({ pid, startTime, boot }: Holder): boolean {
  return boot === readBootId() && readProcess(pid)?.startTime === startTime;
}

/** The living process that keeps an instance. */
export function holderOf(folder: string): Holder | undefined {
  const claim = latest(folder)?.claim;
  return claim && !claim.released && lives(claim) ? claim : undefined;
}

/**
 * Takes an instance for this process, when no living process has it; returns how to let go. It ends with the process,
 * however that ends. Claims are numbered: the next number can be made by one process only, and only the highest counts,
 * so whoever looked at an older one finds itself overtaken. The last one stays, that no number comes twice.
 */
export function takeClaim(folder: string): (() => void) | undefined {
  const self = thisProcess();
  for (;;) {
    const last = latest(folder);
    if (last && !last.claim.released && lives(last.claim)) return undefined;
    const number = (last?.number ?? 0) + 1;
    if (!makeClaim(folder, number, self)) continue;
    if (numbersIn(folder).at(-1) !== number) {
      rmSync(pathOf(folder, number), { force: true });
      continue;
    }
    for (const older of numbersIn(folder).filter((one) => one < number))
      rmSync(pathOf(folder, older), { force: true });
    return () => release(folder, number, self);
  }
}

function latest(folder: string): { readonly number: number; readonly claim: Claim } | undefined {
  for (;;) {
    const number = numbersIn(folder).at(-1);
    if (number === undefined) return undefined;
    try {
      return { number, claim: JSON.parse(readFileSync(pathOf(folder, number), "utf8")) as Claim };
    } catch (error) {
      // A newer one took its place between the two looks.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function numbersIn(folder: string): readonly number[] {
  return readdirSync(folder)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

const pathOf = (folder: string, number: number) => join(folder, `keeper-${number}.claim`);

/** With its whole content at once; false when somebody was faster. */
function makeClaim(folder: string, number: number, self: Holder): boolean {
  const half = halfOf(folder, number);
  writeFileSync(half, JSON.stringify(self), { mode: 0o600 });
  try {
    linkSync(half, pathOf(folder, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(half, { force: true });
  }
}

function release(folder: string, number: number, self: Holder): void {
  const half = halfOf(folder, number);
  const released: Claim = { ...self, released: true };
  writeFileSync(half, JSON.stringify(released), { mode: 0o600 });
  renameSync(half, pathOf(folder, number));
}

const halfOf = (folder: string, number: number) => join(folder, `.keeper-${number}.${process.pid}.tmp`);
