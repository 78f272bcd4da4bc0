import { type Actor, actorName } from "../domain/actor.ts";
import type { Finding } from "../domain/audit-types.ts";
import type { FindingAccepted } from "../domain/mend.ts";
import { nonceOf } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";

const PAGE = 500;

/** A message that is gone, and somebody said that this is well. */
export type AcceptedGap = {
  /** The delivery that people cannot read any more. */
  readonly id: string;
  readonly message: string;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
  /** In the words of whoever accepted it. */
  readonly why?: string;
};

/** `isNew`: noted just now, not before. */
export type AcceptedNow = AcceptedGap & { readonly isNew: boolean };

/** Of one message: another one that shows the same later is asked about by itself. */
type Missing = Finding & { readonly gone: string };

const nameOf = (delivery: string, message: string) => `${delivery}@${message}`;

export function isMissing(finding: Finding): finding is Missing {
  return finding.fault === "unseen" && finding.gone !== undefined;
}

/** What was found, apart from what somebody accepted. */
export async function apartFromAccepted(
  ledger: Pick<Ledger, "events">,
  findings: readonly Finding[],
): Promise<{ readonly left: readonly Finding[]; readonly accepted: readonly AcceptedGap[] }> {
  if (!findings.some(isMissing)) return { left: findings, accepted: [] };
  const known = new Map<string, AcceptedGap>();
  for (let after = 0; ; ) {
    const events = await ledger.events({ types: ["finding.accepted"], after, limit: PAGE });
    for (const { body } of events) {
      const one = acceptedOf(body as FindingAccepted);
      known.set(nameOf(one.id, one.message), one);
    }
    after = events.at(-1)?.position ?? after;
    if (events.length < PAGE) break;
  }
  const accepted: AcceptedGap[] = [];
  const left = findings.filter((finding) => {
    const one = isMissing(finding) ? known.get(nameOf(finding.id, finding.gone)) : undefined;
    if (one) accepted.push(one);
    return one === undefined;
  });
  return { left, accepted };
}

function acceptedOf({ finding, message, by, at, why }: FindingAccepted): AcceptedGap {
  const { id, reason } = finding;
  return { id, message, reason, by, at, ...(why === undefined ? {} : { why }) };
}

/**
 * Notes that messages which are gone are not missed: each once, by an id that follows from the delivery and its message,
 * so that asking twice, also at the same time or across a crash, changes nothing.
 */
export function createAcceptMissing(deps: {
  readonly ledger: Pick<Ledger, "load" | "receipts">;
  readonly engine: Pick<Engine, "accept">;
  readonly now: () => number;
}) {
  const { ledger, engine, now } = deps;

  async function note(finding: Missing, actor: Actor, why: string | undefined): Promise<AcceptedNow> {
    const { id, of, reason, fault, gone: message } = finding;
    const stream = `mend-${nonceOf(nameOf(id, message), 0)}`;
    const isKnown = of !== undefined && (await ledger.load(of)) !== undefined;
    const input: Omit<FindingAccepted, "type"> = {
      at: now(),
      id: stream,
      by: actorName(actor),
      finding: { fault, id, reason, ...(of === undefined ? {} : { of }) },
      message,
      ...(why === undefined ? {} : { why }),
      ...(isKnown ? { parent: of } : {}),
    };
    const { state, events } = await engine.accept({
      kind: "mend",
      stream,
      input: { ...input, type: "accept" },
      cause: `audit of ${id}`,
      actor,
    });
    // Somebody may have been quicker.
    const noted = acceptedOf({ ...input, ...(state as typeof input), type: "finding.accepted" });
    return { ...noted, isNew: events.length > 0 };
  }

  /** A word names a delivery, what it tells of, or the message that is gone. */
  async function meant(
    word: string,
    missing: readonly Missing[],
    accepted: readonly AcceptedGap[],
  ): Promise<{ readonly missing: readonly Missing[]; readonly accepted: readonly AcceptedGap[] }> {
    const found = missing.filter(({ id, of, gone }) => [id, of, gone].includes(word));
    const before = accepted.filter(
      ({ id, message }) => [id, message].includes(word) || id.startsWith(`${word}/`),
    );
    if (found.length + before.length > 0) return { missing: found, accepted: before };
    const [there] = await ledger.receipts(word);
    if (there) {
      throw new Refusal("not_found", `${word} is not missing: its message ${there.message} is there.`, {
        hint: "Only what somebody deleted is accepted; delete the message first, or leave it as it is.",
      });
    }
    throw new Refusal("not_found", `Nothing that was deleted is named ${word}.`, {
      hint: "`hq audit --prove` lists what is missing: give the id of one of those that are `unseen` since their message is gone, what it tells of, or the message. The rest is for `hq audit --mend`.",
    });
  }

  return async function acceptMissing(
    actor: Actor,
    seen: { readonly findings: readonly Finding[]; readonly accepted?: readonly AcceptedGap[] },
    { ids, why }: { readonly ids: readonly string[]; readonly why?: string },
  ): Promise<readonly AcceptedNow[]> {
    const all = seen.findings.filter(isMissing);
    const missing = new Set<Missing>();
    const before = new Set<AcceptedGap>();
    for (const word of ids) {
      const named = await meant(word, all, seen.accepted ?? []);
      for (const one of named.missing) missing.add(one);
      for (const one of named.accepted) before.add(one);
    }
    const accepted: AcceptedNow[] = [...before].map((one) => ({ ...one, isNew: false }));
    for (const finding of missing) accepted.push(await note(finding, actor, why));
    return accepted;
  };
}
