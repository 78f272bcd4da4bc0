import { isSettled } from "../domain/delegation-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Delivery } from "../domain/effects.ts";
import type { DelegationView } from "../domain/view.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import type { ChannelDirectory } from "./channels.ts";
import { DISCORD_CODES, DiscordError, type DiscordFailure } from "./discord-failure.ts";
import { createPostOnce, type PostOnceDeps } from "./post-once.ts";
import { cardDelivery, renderCard } from "./render-card.ts";
import { planRetry } from "./retry-plan.ts";

/** Messages older than an hour are edited slowly: about three edits in six seconds for a whole channel. */
const ROLL_OVER_MS = 55 * 60_000;
const MOST_REMEMBERED = 5000;
const MOST_COMPARED = 50;

type Shown = { readonly key: string; readonly status: string; readonly editedAt: number };
type Waiting = {
  readonly effect: ClaimedOf<"card">;
  readonly finish: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
};
type Desk = { readonly runs: Map<string, Waiting[]>; pump: Promise<void> | undefined };

export type CardsDeps = PostOnceDeps & {
  readonly channels: ChannelDirectory;
  readonly guildId: string;
  readonly cardEditMs: () => number;
  readonly batchAbove: () => number;
  readonly redacted: (run: string) => Promise<DelegationView>;
  readonly onFailure: (failure: DiscordFailure) => void;
};

export type Cards = {
  readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
  /** The address of a run's card, as soon as there is one; undefined after `withinMs`. */
  readonly addressOf: (run: string, withinMs: number) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
};

/**
 * One live card per delegation. The newest state wins; one request per channel at a time, new states before new
 * words; a card that a person deleted stays deleted.
 */
export function createCards(deps: CardsDeps): Cards {
  const { rest, deliveries, channels, now, log, crash } = deps;
  const desks = new Map<string, Desk>();
  const shown = new Map<string, Shown>();
  const gone = new Set<string>();
  const hopes = new Map<string, ((receipt: Receipt | undefined) => void)[]>();
  const postOnce = createPostOnce(deps);
  let stopping = false;

  async function card(effect: ClaimedOf<"card">): Promise<Outcome> {
    crash("card:claimed");
    if (stopping) return { kind: "again", dueAt: now(), reason: "stopping" };
    const { run, to } = effect.body;
    const channel = channels.target(to);
    if (!channel) {
      log.warn({ run, to }, "a card has no channel and is left out");
      return { kind: "done", outcome: "no such channel" };
    }
    if (gone.has(run)) return { kind: "done", outcome: "a person deleted the card" };
    return new Promise<Outcome>((finish, fail) => {
      const desk: Desk = desks.get(channel.id) ?? { runs: new Map(), pump: undefined };
      desks.set(channel.id, desk);
      const waiting = desk.runs.get(run) ?? [];
      waiting.push({ effect, finish, fail });
      desk.runs.set(run, waiting);
      desk.pump ??= pump(channel.id, desk);
    });
  }

  async function pump(channel: string, desk: Desk): Promise<void> {
    await new Promise(setImmediate);
    while (desk.runs.size > 0) {
      const run = await nextRun(desk);
      const waiting = desk.runs.get(run) ?? [];
      desk.runs.delete(run);
      try {
        const outcome = await show(channel, run, waiting, desk.runs.size);
        // One effect stands for all: the newest state is shown by it, now or when it comes again.
        waiting.forEach(({ finish }, index) =>
          finish(index > 0 ? { kind: "done", outcome: "shown by another" } : outcome),
        );
      } catch (error) {
        for (const { fail } of waiting) fail(error);
      }
    }
    desk.pump = undefined;
  }

  /** A card whose status changed goes before one that only has other words; cards that settled go first of all. */
  async function nextRun(desk: Desk): Promise<string> {
    const runs = [...desk.runs.keys()].slice(0, MOST_COMPARED);
    if (runs.length === 1) return runs[0] ?? "";
    const rankOf = async (run: string) => {
      const { status } = await deliveries.view(run);
      if (shown.get(run)?.status === status) return 2;
      return shown.has(run) && isSettled(status) ? 0 : 1;
    };
    const ranks = await Promise.allSettled(runs.map(rankOf));
    const ranked = runs.map((run, index) => {
      const rank = ranks[index];
      return { run, rank: rank?.status === "fulfilled" ? rank.value : 1 };
    });
    return ranked.sort((a, b) => a.rank - b.rank)[0]?.run ?? "";
  }

  async function show(
    channel: string,
    run: string,
    waiting: readonly Waiting[],
    others: number,
  ): Promise<Outcome> {
    const effect = waiting[0]?.effect;
    if (!effect) return { kind: "done", outcome: "nothing to show" };
    const view = await deps.redacted(run);
    const receipts = [...(await deliveries.receipts(cardDelivery(run)))].sort((a, b) => a.part - b.part);
    const latest = receipts.at(-1);
    try {
      if (!latest) {
        if (isSettled(view.status) && others >= deps.batchAbove()) {
          return { kind: "done", outcome: "settled before its card, among many" };
        }
        return await first(channel, view, effect, 0);
      }
      hear(run, latest);
      if (!isSettled(view.status) && now() - latest.postedAt > ROLL_OVER_MS)
        return await rollOver(view, effect, latest);
      const older = receipts.at(-2);
      if (older && !shown.has(run)) await pointOn(view, older, latest);
      return await edit(view, latest);
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      return failed(run, effect, thrown.failure);
    }
  }

  async function first(
    channel: string,
    view: DelegationView,
    effect: ClaimedOf<"card">,
    part: number,
  ): Promise<Outcome> {
    const payload = renderCard(view, { part, ...resultsPlace() });
    const delivery: Delivery = {
      id: cardDelivery(view.id),
      kind: "notice",
      to: effect.body.to,
      subject: view.id,
    };
    const { receipts, isRecorded } = await postOnce({
      delivery,
      channel,
      parts: [payload],
      effect,
      firstPart: part,
      sent: "card:sent",
      refresh: (message) => rest.edit(channel, message, payload),
    });
    remember(view, payload);
    for (const receipt of receipts) hear(view.id, receipt);
    return isRecorded ? { kind: "recorded" } : { kind: "done", outcome: "posted before" };
  }

  /** A new card below; the old one says where it went on. */
  async function rollOver(view: DelegationView, effect: ClaimedOf<"card">, old: Receipt): Promise<Outcome> {
    const part = old.part + 1;
    const outcome = await first(old.channel, view, effect, part);
    const next = (await deliveries.receipts(old.delivery)).find((receipt) => receipt.part === part);
    if (next) await pointOn(view, old, next);
    return outcome;
  }

  async function pointOn(view: DelegationView, old: Receipt, next: Receipt): Promise<void> {
    await rest
      .edit(old.channel, old.message, renderCard(view, { part: old.part, movedTo: addressOfMessage(next) }))
      .catch((thrown: unknown) => {
        if (!(thrown instanceof DiscordError)) throw thrown;
        log.info({ run: view.id, failure: thrown.message }, "an older card could not be pointed on");
      });
  }

  async function edit(view: DelegationView, at: Receipt): Promise<Outcome> {
    const payload = renderCard(view, { part: at.part, ...resultsPlace() });
    const before = shown.get(view.id);
    if (before?.key === keyOf(payload)) return { kind: "done", outcome: "unchanged" };
    const readyAt = (before?.editedAt ?? 0) + deps.cardEditMs();
    if (before && before.status === view.status && now() < readyAt) {
      return { kind: "again", dueAt: readyAt, reason: "edits of one card keep a distance" };
    }
    await rest.edit(at.channel, at.message, payload);
    crash("card:sent");
    remember(view, payload);
    return { kind: "done", outcome: "edited" };
  }

  function failed(run: string, effect: ClaimedOf<"card">, failure: DiscordFailure): Outcome {
    deps.onFailure(failure);
    if (failure.code === DISCORD_CODES.unknownMessage) {
      gone.add(run);
      log.info({ run }, "a person deleted a card; it is not posted again");
      return { kind: "done", outcome: "a person deleted the card" };
    }
    // The result goes to its own channel; a card is not worth waiting for a place that is closed to us.
    const isSlow = failure.code === DISCORD_CODES.tooManyOldEdits;
    if (!isSlow && isHopeless(failure)) {
      log.warn({ run, failure: failure.text }, "a card is left out");
      return { kind: "done", outcome: failure.text };
    }
    const { outcome } = planRetry(
      isSlow ? { kind: "unsure", text: failure.text } : failure,
      effect.tries,
      now(),
    );
    log.warn({ run, dueAt: outcome.dueAt, reason: outcome.reason }, "a card is tried again later");
    return outcome;
  }

  function resultsPlace(): { readonly results?: string } {
    const results = channels.forRole("results");
    return results ? { results: results.id } : {};
  }

  function remember(view: DelegationView, payload: ReturnType<typeof renderCard>): void {
    shown.delete(view.id);
    shown.set(view.id, { key: keyOf(payload), status: view.status, editedAt: now() });
    const oldest = shown.keys().next();
    if (shown.size > MOST_REMEMBERED && !oldest.done) shown.delete(oldest.value);
  }

  function hear(run: string, receipt: Receipt): void {
    const waiting = hopes.get(run) ?? [];
    hopes.delete(run);
    for (const resolve of waiting) resolve(receipt);
  }

  function addressOfMessage(receipt: Receipt): string {
    return `https://discord.com/channels/${deps.guildId}/${receipt.channel}/${receipt.message}`;
  }

  async function addressOf(run: string, withinMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const hoped = new Promise<Receipt | undefined>((resolve) => {
      hopes.set(run, [...(hopes.get(run) ?? []), resolve]);
      timer = setTimeout(() => resolve(undefined), withinMs);
    });
    const known = (await deliveries.receipts(cardDelivery(run))).at(-1);
    if (known) hear(run, known);
    const receipt = await hoped;
    clearTimeout(timer);
    hopes.delete(run);
    return receipt ? addressOfMessage(receipt) : undefined;
  }

  return {
    card,
    addressOf,
    async stop() {
      stopping = true;
      for (const resolve of [...hopes.values()].flat()) resolve(undefined);
      for (const desk of desks.values()) {
        const waiting = [...desk.runs.values()].flat();
        desk.runs.clear();
        for (const { finish } of waiting) finish({ kind: "again", dueAt: now(), reason: "stopping" });
      }
      for (const desk of desks.values()) await desk.pump;
    },
  };
}

function isHopeless({ kind }: DiscordFailure): boolean {
  return kind === "unreachable-place" || kind === "refused";
}

function keyOf(payload: ReturnType<typeof renderCard>): string {
  return digestOf(canonicalJson(payload));
}
