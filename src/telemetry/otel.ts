import type { Ledger, StoredEvent } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import { createBell } from "../kernel/bell.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { createFigures } from "./otel-figures.ts";
import { openSdk, type Sdk } from "./otel-sdk.ts";
import type { Wanted } from "./otel-wanted.ts";
import { createSpanReader } from "./span-reader.ts";

const CURSOR = "telemetry.position";
const PAGE = 100;
/** The cursor is kept so often: what lies between is exported once more after a crash, as the same spans. */
const KEEP_EVERY_MS = 5000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** How long a stop waits for a collector: what it did not take is exported after the next start. */
const LEAVE_WITHIN_MS = 3000;

export type TelemetryDeps = {
  readonly ledger: Pick<Ledger, "events" | "recall" | "remember" | "counts" | "backlog">;
  readonly watch: (listener: () => void) => () => void;
  /** Whether we are the one that exports; absent = always. */
  readonly isOurTurn?: () => Promise<boolean>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly wanted: Wanted;
  readonly version: string;
  readonly now: () => number;
  readonly log: Log;
  readonly onBroken: (error: unknown) => void;
};

/**
 * Follows the committed events at its own pace and exports what ended as spans and figures. Nothing of the work waits
 * for it: without its collector it stands still, and goes on where it was when the collector is back.
 */
export function createTelemetry(deps: TelemetryDeps): Part {
  const { ledger, log, now } = deps;
  const bell = createBell();
  const spansOf = createSpanReader(ledger);
  let sdk: Sdk | undefined;
  let isOver = false;
  let isLeft = false;
  let unwatch: () => void = () => undefined;
  let running: Promise<void> = Promise.resolve();

  async function follow({ emit, flush, meter, noteCollected }: Sdk): Promise<void> {
    const figures = createFigures(meter, ledger, noteCollected);
    let position = await beginning(ledger);
    let kept = position;
    let hadTurn = true;
    let keptAt = now();
    const keep = async () => {
      if (kept === position) return;
      await ledger.remember(CURSOR, String(position));
      kept = position;
      keptAt = now();
    };
    for (;;) {
      const hasTurn = (await deps.isOurTurn?.()) ?? true;
      // Whoever had the turn before has come further.
      if (hasTurn && !hadTurn) position = kept = await beginning(ledger);
      hadTurn = hasTurn;
      if (!hasTurn) {
        if (isOver) return;
        await bell.sleep(KEEP_EVERY_MS);
        continue;
      }
      const page = await ledger.events({ after: position, limit: PAGE });
      const last = page.at(-1);
      if (!last) {
        await keep();
        if (isOver) break;
        await bell.sleep();
        continue;
      }
      if (!(await deliver(page, emit, flush))) break;
      for (const event of page) figures.count(event);
      position = last.position;
      if (now() - keptAt >= KEEP_EVERY_MS) await keep();
    }
    await keep();
  }

  /** False when everything stops before the collector took it: it is exported after the next start. */
  async function deliver(
    page: readonly StoredEvent[],
    emit: Sdk["emit"],
    flush: Sdk["flush"],
  ): Promise<boolean> {
    const drafts = [];
    for (const event of page) drafts.push(...(await spansOf(event)));
    if (drafts.length === 0) return true;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await emit(drafts);
        await flush();
        if (pause > FIRST_PAUSE_MS) log.info({}, "telemetry is exported again");
        return true;
      } catch (error) {
        if (pause === FIRST_PAUSE_MS)
          log.warn({ err: worded(error) }, "telemetry cannot be exported; it is kept and tried again");
        const until = now() + pause;
        while (!isOver && now() < until) await bell.sleep(until - now());
        if (isOver) return false;
      }
    }
  }

  return {
    name: "telemetry",
    async start() {
      sdk = await openSdk(deps);
      unwatch = deps.watch(bell.ring);
      running = follow(sdk).catch((error: unknown) => {
        // Whoever left without waiting for the collector took the ledger away.
        if (!isLeft) deps.onBroken(error);
      });
      log.info({ ...deps.wanted }, "telemetry is exported");
    },
    async stop() {
      isOver = true;
      unwatch();
      bell.ring();
      await within(LEAVE_WITHIN_MS, running);
      isLeft = true;
      await within(LEAVE_WITHIN_MS, sdk?.close());
    },
  };
}

/** Waits for it, and no longer than that. */
async function within(ms: number, work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Where it went on last; a ledger that was never followed begins with what comes now. */
async function beginning(ledger: TelemetryDeps["ledger"]): Promise<number> {
  const kept = await ledger.recall(CURSOR);
  if (kept !== undefined) return Number(kept);
  const [latest] = await ledger.events({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
  const position = latest?.position ?? 0;
  await ledger.remember(CURSOR, String(position));
  return position;
}

function worded(error: unknown): Error {
  const first: unknown = Array.isArray(error) ? error[0] : error;
  return first instanceof Error ? first : new Error(String(first));
}
