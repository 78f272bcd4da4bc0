import { type APIMessage, Routes } from "discord.js";
import type { Delivery } from "../domain/effects.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { ClaimAnswer, TaskClaims } from "../engine/ports/task-claims.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { nonceOf } from "../kernel/id.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import {
  DISCORD_CODES,
  DiscordError,
  type DiscordFailure,
  guarded,
  guardedMessage,
} from "./discord-failure.ts";
import { hasMark, markOf } from "./marks.ts";
import { type Payload, textsOf } from "./payload.ts";
import { isOld } from "./post-once.ts";
import type { TroubledPosts } from "./post-trouble.ts";
import { cardDelivery } from "./render-card.ts";
import { holderOf, renderTaskCard } from "./render-task.ts";
import type { DiscordRest } from "./rest.ts";
import { planRetry, type RetryPlan } from "./retry-plan.ts";
import { isChannelGone, isDeleted } from "./still-there.ts";
import { CHECK, checksOf, filesOf, nameOf } from "./task-message.ts";
import { whoChecked } from "./tasks-read.ts";

const PAGE = 100;
/** Together no more than can be read before the claim must be sent: after a task, and of the latest. */
const MOST_PAGES = 20;
const MOST_LATEST_PAGES = 10;
/** A claim that is not tried again by then is not to be tried any more. */
const OVERDUE_MS = 60_000;
const ANOTHER = "another supervisor with this bot";

export type TaskClaimsDeps = {
  readonly rest: DiscordRest;
  readonly deliveries: DeliveryPort;
  readonly botId: () => string;
  /** The name of this supervisor in its claims: the same in every life, another one in every folder. */
  readonly holder: () => Promise<string>;
  readonly redact: (view: TaskView) => TaskView;
  readonly onFailure: (failure: DiscordFailure) => void;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

/** A claim post in the channel: the card of a task, with the name of the supervisor that posted it. */
type Claim = {
  readonly id: string;
  readonly author: string;
  readonly holder: string;
  readonly postedAt: number;
};

/**
 * The claim is the task's card: a reply to it, posted with an enforced nonce that every supervisor derives from the
 * task alone, so that of two with one bot the second is handed the first one's message. Two bots post twice: the older
 * message has the claim, and each looks for an older one after it posted. Then our ✅ says so to people and old tools.
 */
export function createTaskClaims(
  deps: TaskClaimsDeps,
): TaskClaims & { readonly troubled: () => TroubledPosts | undefined } {
  const { rest, deliveries, now, log, crash } = deps;
  /** In a row, of Discord. */
  let failures = 0;
  /** By task: why it is not claimed after so many tries, and when it is tried again, unless it is withdrawn before. */
  const lasting = new Map<string, Pick<RetryPlan, "outcome" | "isLimited">>();

  async function claim(effect: ClaimedOf<"task-claim">): Promise<ClaimAnswer> {
    crash("task-claim:claimed");
    const view = await taskOf(effect.body.task);
    try {
      const answer = await take(view, effect);
      failures = 0;
      lasting.delete(view.id);
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      lasting.delete(view.id);
      if (isDeleted(thrown) || isChannelGone(thrown)) return { kind: "gone" };
      const plan = later(view.id, thrown.failure, effect.tries);
      if (plan.isLasting) lasting.set(view.id, plan);
      return plan.outcome;
    }
  }

  async function take(view: TaskView, effect: ClaimedOf<"task-claim">): Promise<ClaimAnswer> {
    const { channel, message: id } = view.task.place;
    const [held] = await deliveries.receipts(cardDelivery(view.id));
    const task = await messageOf(channel, id);
    if (held) return checked(task, held.message);
    const us = await deps.holder();
    const mayBeOld = effect.tries > 1 || effect.begunBefore !== undefined;
    const { own, count } = checksOf(task);
    const earlier = own || count > 0 || mayBeOld ? await claimsOf(view, task, undefined) : [];
    const known = winnerOf(earlier);
    if (known && known.holder !== us) {
      // It came second and died before it was taken back.
      for (const one of earlier) if (one.holder === us) await takeBack(channel, one.id);
      return { kind: "lost", by: known.holder };
    }
    if (!known) {
      // A bot's ✅ without a claim post: a tool of before, or a supervisor whose card somebody deleted.
      if (own) return { kind: "lost", by: ANOTHER };
      const other = count > 0 ? (await whoChecked(rest, task))[0] : undefined;
      if (other) {
        if (other.bot) return { kind: "lost", by: nameOf(other) };
        return { kind: "handled", user: other.id };
      }
    }
    const mine = known ?? (await post(view, us));
    if (mine.holder !== us) return { kind: "lost", by: mine.holder };
    crash("task-claim:sent");
    const older = winnerOf((await claimsOf(view, task, mine)).filter((one) => isOlder(one, mine)));
    if (older && older.holder !== us) {
      await takeBack(channel, mine.id);
      return { kind: "lost", by: older.holder };
    }
    await record(view, mine);
    crash("task-claim:won");
    return checked(task, mine.id);
  }

  async function post(view: TaskView, us: string): Promise<Claim> {
    const { channel, message } = view.task.place;
    const payload: Payload = {
      ...renderTaskCard(deps.redact(view), { part: 0, holder: us, isClaiming: true }),
      replyTo: message,
    };
    const posted = await rest.post(channel, cardDelivery(view.id), 0, payload);
    return claimIn(posted) ?? { id: posted.id, author: posted.author.id, holder: us, postedAt: now() };
  }

  /**
   * Claim posts of this task that are there: those just before `mine`, and where a nonce may have been forgotten those
   * after the task, since a claim comes soon after its task, whatever was said in the channel since then; and without
   * `mine` the latest, since a supervisor that was away claims late.
   */
  async function claimsOf(
    view: TaskView,
    task: APIMessage,
    mine: Claim | undefined,
  ): Promise<readonly Claim[]> {
    const mark = markOf(cardDelivery(view.id), 0);
    const { channel_id: channel } = task;
    const claimsIn = (messages: readonly APIMessage[]) =>
      messages.flatMap((message) => {
        const one = message.author.bot && hasMark(message, mark) ? claimIn(message) : undefined;
        return one ? [one] : [];
      });
    const found = mine ? claimsIn(await rest.history(channel, { limit: PAGE, before: mine.id })) : [];
    if (mine && !isOld({ since: Date.parse(task.timestamp) }, now())) return found;
    let after = task.id;
    for (let page = 0; page < MOST_PAGES; page++) {
      const messages = await rest.history(channel, { limit: PAGE, after });
      found.push(...claimsIn(messages));
      const latest = messages[0];
      if (!latest || messages.length < PAGE || (mine && BigInt(latest.id) >= BigInt(mine.id))) return found;
      after = latest.id;
    }
    let before: string | undefined;
    for (let page = 0; page < (mine ? 0 : MOST_LATEST_PAGES); page++) {
      const messages = await rest.history(channel, { limit: PAGE, ...(before ? { before } : {}) });
      const fresh = messages.filter(({ id: one }) => BigInt(one) > BigInt(after));
      found.push(...claimsIn(fresh));
      before = messages.at(-1)?.id;
      if (fresh.length < PAGE) break;
    }
    return found;
  }

  async function record(view: TaskView, { id: message, postedAt }: Claim): Promise<void> {
    const { channel } = view.task.place;
    const id = cardDelivery(view.id);
    const delivery: Delivery = { id, kind: "notice", to: { channel }, subject: view.id };
    const receipt = { delivery: id, part: 0, nonce: nonceOf(id, 0), channel, message, postedAt };
    await deliveries.record({ type: "part-posted", delivery, receipt, of: 1 }, []);
  }

  /** The claim is ours; where we may not react, it is ours without a ✅. */
  async function checked(task: APIMessage, message: string): Promise<ClaimAnswer> {
    const files = filesOf(task);
    const claimed = {
      kind: "claimed",
      message,
      ...(files.length > 0 ? { attachments: files } : {}),
    } as const;
    if (checksOf(task).own) return claimed;
    try {
      await react(task.channel_id, task.id, true);
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { kind, code, text } = thrown.failure;
      const isLater = kind === "limited" || kind === "unsure" || kind === "withheld";
      if (code === DISCORD_CODES.unknownMessage || isLater) throw thrown;
      log.warn({ task: task.id, failure: text }, "a claimed task cannot be given its ✅");
    }
    return claimed;
  }

  async function takeBack(channel: string, message: string): Promise<void> {
    try {
      await guarded(rest.raw.delete(Routes.channelMessage(channel, message)));
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.info({ message, failure: thrown.message }, "a claim that came second could not be taken back");
    }
  }

  async function check(effect: ClaimedOf<"task-check">): Promise<Outcome> {
    const { task: id, wanted } = effect.body;
    const { task } = await taskOf(id);
    try {
      await react(task.place.channel, task.place.message, wanted);
      failures = 0;
      crash("task-check:sent");
      return { kind: "done", outcome: wanted ? "put" : "removed" };
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { kind, text } = thrown.failure;
      if (kind === "refused" || kind === "unreachable-place") return { kind: "done", outcome: text };
      return later(id, thrown.failure, effect.tries).outcome;
    }
  }

  async function react(channel: string, message: string, wanted: boolean): Promise<void> {
    const route = Routes.channelMessageOwnReaction(channel, message, encodeURIComponent(CHECK));
    await guarded(wanted ? rest.raw.put(route) : rest.raw.delete(route));
  }

  function later(task: string, failure: DiscordFailure, tries: number) {
    deps.onFailure(failure);
    const plan = planRetry(failure, { tries, failures: ++failures }, now());
    const { outcome } = plan;
    log.warn({ task, dueAt: outcome.dueAt, reason: outcome.reason }, "a task's claim is tried again later");
    return plan;
  }

  async function taskOf(id: string): Promise<TaskView> {
    const subject = await deliveries.view(id);
    if (subject.kind === "task") return subject.view;
    throw new Error(`${id} is no task`);
  }

  async function messageOf(channel: string, id: string): Promise<APIMessage> {
    return guardedMessage(rest.raw.get(Routes.channelMessage(channel, id)));
  }

  return {
    claim,
    check,
    troubled() {
      for (const [task, { outcome }] of lasting) if (now() > outcome.dueAt + OVERDUE_MS) lasting.delete(task);
      const [first] = lasting.values();
      if (!first) return undefined;
      const { reason, dueAt } = first.outcome;
      return { count: lasting.size, reason, what: "tasks", ...(first.isLimited ? { until: dueAt } : {}) };
    },
  };
}

function claimIn(message: APIMessage): Claim | undefined {
  const holder = holderOf(
    textsOf({ content: message.content, components: message.components ?? [] }).at(-1) ?? "",
  );
  if (holder === undefined) return undefined;
  const { id, author, timestamp } = message;
  return { id, author: author.id, holder, postedAt: Date.parse(timestamp) };
}

function isOlder(one: Claim, other: Claim): boolean {
  return BigInt(one.id) < BigInt(other.id);
}

function winnerOf(claims: readonly Claim[]): Claim | undefined {
  return claims.reduce<Claim | undefined>(
    (best, one) => (best && isOlder(best, one) ? best : one),
    undefined,
  );
}
