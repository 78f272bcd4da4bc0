import type { Actor } from "../domain/actor.ts";
import { createAcceptMissing } from "../engine/accept-missing.ts";
import { createAudit } from "../engine/audit.ts";
import { exportLines } from "../engine/export.ts";
import { createMend } from "../engine/mend.ts";
import { createPruner } from "../engine/prune.ts";
import type { UpkeepVerbs } from "../engine/upkeep-verbs.ts";
import { digestOfFile } from "../handoffs/read.ts";
import { Refusal } from "../kernel/refusal.ts";
import { leftoversOf } from "./audit.ts";
import type { Base } from "./base.ts";
import { createOldFiles } from "./old-files.ts";
import { createRetention } from "./retention.ts";
import type { Stage } from "./stage.ts";

/** Looking after the ledger of a supervisor that runs: with Discord, and with the hands to mend. */
export function createUpkeepVerbs({ config, now, log }: Base, stage: Stage) {
  const { ledger, engine, inbox, loop } = stage;
  const leftovers = leftoversOf(config.current);
  const audit = createAudit({
    ledger,
    engine,
    leftovers,
    posted: () => stage.doors().edge?.posted,
    sweep: inbox.sweep,
    now,
  });
  const mend = createMend({
    ledger,
    engine,
    inbox,
    digestOf: async (path) => digestOfFile(path, config.current().settings.handoffs.maxBytes),
    ring: loop.ring,
    now,
  });
  const acceptMissing = createAcceptMissing({ ledger, engine, now });
  const pruner = createPruner({
    ledger,
    oldFiles: createOldFiles({ config: config.current, leftovers }),
    countOn: stage.verbs.metrics.countOn,
    now,
  });
  const verbs: UpkeepVerbs = {
    async audit(actor: Actor, { mend: isMending = false, dry = false, ...options }) {
      const report = await audit.prove(options);
      if (!isMending) return report;
      const hasLookedAtDiscord = report.notLooked === undefined;
      return { ...report, mended: await mend(actor, report.findings, { dry, hasLookedAtDiscord }) };
    },
    async accept(actor, { ids, reason, ...options }) {
      const seen = await audit.look(options);
      if (seen.notLooked !== undefined) {
        throw new Refusal(
          "no_discord",
          `Not looked at: ${seen.notLooked}. So nobody knows what is missing there.`,
          {
            hint: "`hq status` says why it is not connected; ask again when it is.",
          },
        );
      }
      const why = reason === undefined ? {} : { why: reason };
      return { accepted: await acceptMissing(actor, seen, { ids, ...why }) };
    },
    export: (query) => exportLines(ledger.upkeep, query),
    prune: (_, options) => pruner.prune(options),
  };
  const stopping = new AbortController();
  const look = createRetention({
    retention: () => config.current().settings.retention,
    ledger,
    holder: stage.holder,
    ...(stage.shared ? { home: stage.shared.home } : {}),
    prune: pruner.prune,
    now,
    log,
  });
  let looking: Promise<unknown> = Promise.resolve();
  return {
    verbs,
    /** Each minute. */
    lookAtRetention: () => {
      const looked = look(stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) stage.onBroken(error);
      });
      looking = Promise.all([looking, looked]);
    },
    async stop() {
      stopping.abort();
      // It notes that it was left.
      await looking;
    },
  };
}
