import { type Client, Events } from "discord.js";
import type { Question, Receipt } from "../domain/delivery-types.ts";
import { workStream } from "../domain/work-types.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import type { ChannelDirectory } from "./channels.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { DiscordError } from "./discord-failure.ts";
import type { FaceOf } from "./faces.ts";
import { proposalsDelivery } from "./render-proposals.ts";
import type { DiscordRest } from "./rest.ts";
import { isChannelGone, isDeleted, messageAt } from "./still-there.ts";

const PAGE = 100;
const MOST_PROPOSALS = 100;
/** Deletions of messages, and of channels with messages, that we may be about to know as ours. */
const MOST_EARLY = 1000;
const QUESTION =
  /^(?<run>.+)\/(?:gate-(?<step>[^/]+)~(?<generation>\d+)|proposals-(?<round>\d+)|ask-(?<ask>\d+)(?:~\d+)?)$/;

export type DeletedQuestionsDeps = {
  readonly rest: Pick<DiscordRest, "raw">;
  readonly deliveries: DeliveryPort;
  readonly channels: Pick<ChannelDirectory, "find">;
  readonly faceOf: FaceOf;
  readonly asking: Pick<Verbs, "runs" | "receipts" | "evolve">;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

export type DeletedQuestions = {
  readonly listen: (client: Client) => void;
  /** After a gap in the connection everything that waits for people is looked for, and after a failure once more. */
  readonly reconcile: (isGap: boolean) => Promise<void>;
  /** The same port; what was deleted before its receipt was kept is noticed as soon as it is. */
  readonly deliveries: DeliveryPort;
  readonly stop: () => Promise<void>;
};

/**
 * Gates, proposals and the question after too many failures wait for people, so a message of theirs that somebody
 * deletes is noted, and the ledger decides whether it is asked anew. Everything else that a person deletes stays deleted.
 */
export function createDeletedQuestions(deps: DeletedQuestionsDeps): DeletedQuestions {
  const { deliveries, log } = deps;
  const early = new Set<string>();
  const goneChannels = new Set<string>();
  let isUnlooked = false;
  let stopping = false;
  let last: Promise<void> = Promise.resolve();

  /** One after the other; what breaks off is made up for by the next look at everything. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.then(work).catch((thrown: unknown) => {
      isUnlooked = true;
      const failure = thrown instanceof DiscordError ? { failure: thrown.message } : { err: thrown };
      log.warn(failure, "not all questions that wait for people could be looked for; it is tried again");
    });
    return last;
  }

  function onGone(messages: Iterable<string>): void {
    for (const message of messages) {
      remember(early, message);
      void inTurn(() => noteMessage(message));
    }
  }

  /** With a channel go its threads, of which nothing is said. */
  function onChannelGone(channel: string): void {
    remember(goneChannels, channel);
    void inTurn(() =>
      lookAt((receipt) => receipt.channel === channel || !deps.channels.find(receipt.channel)),
    );
  }

  async function noteMessage(message: string): Promise<void> {
    const shown = await deliveries.shownBy(message);
    if (shown.length > 0) early.delete(message);
    for (const receipt of shown) await note(receipt);
  }

  async function note({ delivery, message, channel }: Receipt): Promise<void> {
    const question = await questionOf(delivery, channel);
    if (!question) return;
    deps.crash("deletion:heard");
    log.info({ question: delivery, message }, "somebody deleted a message that asks people");
    await deliveries.record(
      { type: "gone", at: deps.now(), delivery: { id: delivery }, message, question },
      [],
    );
  }

  /** Undefined: nobody is asked there, or not any more. */
  async function questionOf(delivery: string, channel: string): Promise<Question | undefined> {
    const { run = "", step, generation, round, ask } = QUESTION.exec(delivery)?.groups ?? {};
    if (ask !== undefined) {
      const told = await deliveries.view(run);
      const isAsked =
        told.kind === "run" && told.view.status === "running" && told.view.stopped !== undefined;
      const isLatest = (await deliveries.receipts(`${run}/ask-${Number(ask) + 1}`)).length === 0;
      if (!isAsked || !isLatest) return undefined;
      return { type: "post", delivery: { id: delivery, kind: "ask", to: { channel }, subject: run } };
    }
    const card = { type: "card", run, to: { role: "approvals" } } as const;
    const question: Question | undefined =
      step === undefined
        ? round === undefined
          ? undefined
          : { ...card, round: Number(round) }
        : { ...card, gate: { step, generation: Number(generation) } };
    return question && !(await deps.faceOf(question)).isSettled ? question : undefined;
  }

  async function lookForAll(): Promise<void> {
    if (!isUnlooked) return;
    isUnlooked = false;
    await lookAt(() => true);
  }

  async function lookAt(isMeant: (receipt: Receipt) => boolean): Promise<void> {
    for await (const receipt of waiting()) {
      if (stopping) return;
      if (isMeant(receipt) && (await isGone(receipt))) await note(receipt);
    }
  }

  /** The latest message of each question that may be open. */
  async function* waiting(): AsyncGenerator<Receipt> {
    const { runs, receipts, evolve } = deps.asking;
    for (let before: string | undefined; ; ) {
      const page = await runs.runs({ open: true, limit: PAGE, ...(before === undefined ? {} : { before }) });
      for (const { id, steps, stopped } of page.items) {
        if (!stopped && !steps.some(({ gate }) => gate?.status === "open")) continue;
        yield* latestOf(await receipts(id));
      }
      before = page.next;
      if (before === undefined) break;
    }
    for (const { slug, at, decided } of await evolve.log(MOST_PROPOSALS)) {
      if (decided) continue;
      const shown = await deliveries.receipts(proposalsDelivery(workStream(slug), at));
      yield* latestOf(shown);
    }
  }

  async function isGone(receipt: Receipt): Promise<boolean> {
    try {
      await messageAt(deps.rest, receipt);
      return false;
    } catch (thrown) {
      if (isDeleted(thrown) || isChannelGone(thrown)) return true;
      // A channel that is closed to us says nothing of its messages.
      if (thrown instanceof DiscordError && thrown.failure.kind === "unreachable-place") return false;
      throw thrown;
    }
  }

  return {
    listen(client) {
      client.on(Events.MessageDelete, ({ id }) => onGone([id]));
      client.on(Events.ChannelDelete, ({ id }) => onChannelGone(id));
      client.on(Events.ThreadDelete, ({ id }) => onChannelGone(id));
      client.on(Events.MessageBulkDelete, (messages) => onGone(messages.keys()));
    },
    reconcile(isGap) {
      isUnlooked ||= isGap;
      return isUnlooked ? inTurn(lookForAll) : Promise.resolve();
    },
    deliveries: {
      ...deliveries,
      async record(input, settles) {
        await deliveries.record(input, settles);
        if (input.type !== "part-posted") return;
        const { message, channel } = input.receipt;
        if (early.has(message)) onGone([message]);
        if (goneChannels.has(channel)) onChannelGone(channel);
      },
    },
    async stop() {
      stopping = true;
      await last;
    },
  };
}

function remember(known: Set<string>, id: string): void {
  known.add(id);
  const [oldest] = known;
  if (known.size > MOST_EARLY && oldest !== undefined) known.delete(oldest);
}

/** A question is asked in its newest message; of those after failures the newest counts. */
function latestOf(receipts: readonly Receipt[]): Iterable<Receipt> {
  const latest = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const { groups } = QUESTION.exec(receipt.delivery) ?? {};
    if (!groups) continue;
    const name = groups.ask === undefined ? receipt.delivery : "ask";
    const other = latest.get(name);
    if (!other || BigInt(other.message) < BigInt(receipt.message)) latest.set(name, receipt);
  }
  return latest.values();
}
