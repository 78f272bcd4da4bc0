import type { Delivery } from "../domain/effects.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import { newId, nonceOf } from "../kernel/id.ts";
import { composeBatch, isBatchable } from "./batch.ts";
import type { ChannelDirectory, GuildChannel } from "./channels.ts";
import { DiscordError, type DiscordFailure } from "./discord-failure.ts";
import type { AskPlace, GatePlace, PostPlace } from "./gate-place.ts";
import { glanceOf } from "./glance.ts";
import { markOf } from "./marks.ts";
import { otherHistories, ownHistory } from "./own-history.ts";
import { createPlaceless } from "./placeless.ts";
import { createPostOnce, doubtOf, isOld, type PostOnceDeps } from "./post-once.ts";
import { createPostTrouble, type TroubledPosts } from "./post-trouble.ts";
import { type RenderDeps, renderDelivery } from "./render-delivery.ts";
import { planRetry, planUnknownGuild } from "./retry-plan.ts";
import type { Sending, WriteGuard } from "./write-guard.ts";

/** A burst is waited for in steps of this, as long as it still grows. */
const LINGER_MS = 100;
const LONGEST_LINGER_STEPS = 10;

type Job = {
  readonly effect: ClaimedOf<"post">;
  readonly delivery: Delivery;
  readonly finish: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
  readonly send: Sending;
  /** What the channel's history said: it has no message of this delivery, or some of several. */
  looked?: "none" | "some";
  /** Whether files go along, which a message for many has no room for; absent = not asked yet. */
  hasFiles?: boolean;
};

type History = Awaited<ReturnType<typeof ownHistory>>;

/** One channel: what waits for it, in order; one request at a time; how many failed since one was answered. */
type ChannelQueue = { jobs: Job[]; pump: Promise<void> | undefined; failures: number };

export type PostQueueDeps = PostOnceDeps &
  RenderDeps & {
    readonly channels: ChannelDirectory;
    readonly batchAbove: () => number;
    readonly gatePlace: GatePlace;
    readonly askPlace: AskPlace;
    readonly postPlace: PostPlace;
    readonly guard: WriteGuard;
    readonly onFailure: (failure: DiscordFailure) => void;
  };

export type PostQueue = {
  readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
  /** Those that wait for a channel of theirs, or after five tries or more. */
  readonly troubled: () => TroubledPosts | undefined;
  /** Why what waits for an answer can be asked nowhere. */
  readonly placeless: () => readonly string[];
  /** Gives back what has not been sent, waits for what is on its way. */
  readonly stop: () => Promise<void>;
};

/** Posts deliveries: in order per channel, each part once, many at once as one message with a file. */
export function createPostQueue(deps: PostQueueDeps): PostQueue {
  const { deliveries, channels, now, crash } = deps;
  const queues = new Map<string, ChannelQueue>();
  const trouble = createPostTrouble(deps);
  const { giveBack } = trouble;
  const placeless = createPlaceless(deps);
  const postOnce = createPostOnce(deps);
  let stopping = false;

  async function post(effect: ClaimedOf<"post">): Promise<Outcome> {
    const outcome = await posted(effect);
    if (outcome.kind !== "again")
      for (const known of [trouble, placeless]) known.delete(effect.body.delivery.id);
    return outcome;
  }

  async function posted(effect: ClaimedOf<"post">): Promise<Outcome> {
    const { delivery } = effect.body;
    const send = deps.guard.claimed("leader");
    crash("post:claimed");
    const channel = channels.isKnown() ? await placeOf(delivery) : undefined;
    if (!channels.isKnown()) return planUnknownGuild(now());
    if (stopping) return { kind: "again", dueAt: now(), reason: "stopping" };
    if (!channel && delivery.kind === "ask") return placeless.waits(delivery.id);
    if (!channel) return trouble.noPlace(delivery, effect.tries);
    return new Promise<Outcome>((finish, fail) => {
      const queue = queues.get(channel.id) ?? { jobs: [], pump: undefined, failures: 0 };
      queues.set(channel.id, queue);
      queue.jobs.push({ effect, delivery, finish, fail, send });
      queue.pump ??= pump(channel.id, queue);
    });
  }

  /** A reminder goes where its gate is, and what waits for an answer where it can be seen. */
  async function placeOf({ kind, gate, subject, to }: Delivery): Promise<GuildChannel | undefined> {
    if (kind === "reminder" && gate && subject) return deps.gatePlace(subject, gate, to);
    if (kind === "ask") return deps.askPlace(to);
    return deps.postPlace(to);
  }

  async function pump(channel: string, queue: ChannelQueue): Promise<void> {
    // Everything that was claimed in one turn of the loop is here before the first request.
    await new Promise(setImmediate);
    for (let head = queue.jobs[0]; head; head = queue.jobs[0]) {
      let taken: readonly Job[] = [head];
      try {
        const group = await burst(channel, queue, head);
        if (group.length > 0) {
          taken = group;
          queue.jobs = queue.jobs.filter((job) => !group.includes(job));
          await batch(queue, group);
        } else if (queue.jobs[0] === head) {
          queue.jobs.shift();
          await head.send(() => single(channel, queue, head));
        }
      } catch (error) {
        queue.jobs = queue.jobs.filter((job) => !taken.includes(job));
        for (const job of taken) job.fail(error);
      }
    }
    queue.pump = undefined;
  }

  /** The deliveries of the head's kind that may share a message, when they are many. */
  async function burst(channel: string, queue: ChannelQueue, head: Job): Promise<readonly Job[]> {
    if (!isBatchable(head.delivery)) return [];
    const { kind } = head.delivery;
    const certain = (job: Job) => job.looked === "none" || !doubtOf(job.effect);
    const ofKind = () => queue.jobs.filter((job) => job.delivery.kind === kind && isBatchable(job.delivery));
    for (let step = 0, before = 0; step < LONGEST_LINGER_STEPS; step++) {
      const count = ofKind().length;
      if (stopping || count <= deps.batchAbove() || count === before) break;
      before = count;
      await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    }
    const old = ofKind().filter((job) => {
      const doubt = doubtOf(job.effect);
      return !job.looked && doubt && isOld(doubt, now());
    });
    const sure = ofKind().filter(certain).length;
    if (old.length > 0 && sure + old.length > deps.batchAbove()) await clear(channel, queue, old);
    if (ofKind().filter(certain).length <= deps.batchAbove()) return [];
    for (const job of ofKind()) job.hasFiles ??= await carriesFiles(job.delivery);
    // Those with files are posted by themselves, each when its turn comes.
    const group = ofKind().filter((job) => certain(job) && job.hasFiles === false);
    return group.length > deps.batchAbove() && !head.hasFiles ? group : [];
  }

  /** What cannot be read is the trouble of its own post, which reads it once more. */
  async function carriesFiles({ kind, subject = "" }: Delivery): Promise<boolean> {
    if (kind !== "result" || !deliveries.attachable) return false;
    return deliveries.attachable(subject).then(
      (files) => files.length > 0,
      () => true,
    );
  }

  /** One look at the channel's history for many: what is there is recorded, what is not may be posted with others. */
  async function clear(channel: string, queue: ChannelQueue, jobs: readonly Job[]): Promise<void> {
    const sinceOf = ({ effect }: Job) => doubtOf(effect)?.since ?? effect.createdAt;
    const since = Math.min(...jobs.map(sinceOf));
    const elsewhere = jobs.map((job) => deps.places.others(job.delivery.to, channel, sinceOf(job)));
    const others = new Set((await Promise.all(elsewhere)).flat());
    let seen: History;
    try {
      const here = await ownHistory(deps.rest, channel, deps.botId(), since);
      seen = [...here, ...(await otherHistories(deps.rest, others, deps.botId(), since))];
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      queue.failures += 1;
      await blocked(queue, thrown.failure, jobs);
      return;
    }
    for (const job of jobs) {
      try {
        await lookFor(queue, job, seen);
      } catch (error) {
        queue.jobs = queue.jobs.filter((other) => other !== job);
        job.fail(error);
      }
    }
  }

  async function lookFor(queue: ChannelQueue, job: Job, seen: History): Promise<void> {
    const { delivery, effect } = job;
    const message = seen.find(({ mark }) => mark(markOf(delivery.id, 0)));
    if (!message && (await deliveries.receipts(delivery.id)).length === 0) {
      job.looked = "none";
      return;
    }
    // Of several messages the first one may be all that was posted.
    if (!message || (await renderDelivery(deps, delivery)).length > 1) {
      job.looked = "some";
      return;
    }
    const receipt = {
      delivery: delivery.id,
      part: 0,
      nonce: nonceOf(delivery.id, 0),
      channel: message.channel,
      message: message.id,
      postedAt: Date.parse(message.timestamp),
    };
    queue.jobs = queue.jobs.filter((other) => other !== job);
    await deliveries.record({ type: "part-posted", delivery, receipt, of: 1 }, [effect.id]);
    job.finish({ kind: "recorded" });
  }

  /** Membership and words are committed before the POST, which is an effect of its own. */
  async function batch(queue: ChannelQueue, group: readonly Job[]): Promise<void> {
    const [first] = group;
    if (!first || !isBatchable(first.delivery)) return;
    const candidates = await Promise.all(
      group.map(async ({ delivery }) => ({
        delivery: delivery.id,
        glance: glanceOf(await deps.redacted(delivery.subject ?? "")),
      })),
    );
    const { members, body } = composeBatch(first.delivery.kind, candidates);
    const ids = new Set(members.map(({ delivery }) => delivery));
    const taken = group.filter((job) => ids.has(job.delivery.id));
    const delivery: Delivery = {
      id: newId("batch", now()),
      kind: "batch",
      to: first.delivery.to,
      members: [...ids],
    };
    await deliveries.record(
      { type: "batch", at: now(), delivery, body: JSON.stringify(body) },
      taken.map(({ effect }) => effect.id),
    );
    queue.jobs.unshift(...group.filter((job) => !taken.includes(job)));
    for (const job of taken) job.finish({ kind: "recorded" });
  }

  async function single(channel: string, queue: ChannelQueue, job: Job): Promise<void> {
    const { delivery, effect } = job;
    const parts = await renderDelivery(deps, delivery);
    if (parts.length === 0) return job.finish({ kind: "done", outcome: "nothing to say any more" });
    try {
      const { isRecorded } = await postOnce({ delivery, channel, parts, effect, sent: "post:sent" });
      queue.failures = 0;
      job.finish(isRecorded ? { kind: "recorded" } : { kind: "done", outcome: "posted before" });
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { failure } = thrown;
      deps.onFailure(failure);
      queue.failures += 1;
      const plan = planRetry(failure, { tries: effect.tries, failures: queue.failures }, now());
      job.finish(await giveBack(delivery, plan));
      if (plan.isWholeChannel) await blocked(queue, failure, queue.jobs);
    }
  }

  /** Nothing of these was sent: they wait as long as the one that failed. */
  async function blocked(queue: ChannelQueue, failure: DiscordFailure, jobs: readonly Job[]): Promise<void> {
    queue.jobs = queue.jobs.filter((job) => !jobs.includes(job));
    for (const job of jobs) {
      const plan = planRetry(failure, { tries: job.effect.tries, failures: queue.failures }, now());
      job.finish(await giveBack(job.delivery, plan));
    }
  }

  return {
    post,
    troubled: trouble.told,
    placeless: placeless.all,
    async stop() {
      stopping = true;
      for (const queue of queues.values()) {
        const waiting = queue.jobs;
        queue.jobs = [];
        for (const job of waiting) job.finish({ kind: "again", dueAt: now(), reason: "stopping" });
      }
      for (const queue of queues.values()) await queue.pump;
    },
  };
}
