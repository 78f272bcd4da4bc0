import type { ClaimedOf } from "../engine/perform.ts";
import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import { type Cards, type CardsDeps, createCards } from "./cards.ts";
import { type Connection, type ConnectionDeps, createConnection } from "./connection.ts";
import { createDeletedQuestions, type DeletedQuestionsDeps } from "./deleted-questions.ts";
import { createFaces } from "./faces.ts";
import { createPlaces } from "./places.ts";
import { createPostQueue, type PostQueue, type PostQueueDeps } from "./post-queue.ts";
import type { TroubledPosts } from "./post-trouble.ts";
import { createTaskEdge, type TaskEdge, type TaskEdgeDeps } from "./task-edge.ts";
import type { WriteGuard } from "./write-guard.ts";

/** One time on Discord, from its first connection until it is left. */
export type Term = {
  readonly connection: Connection;
  readonly tasks: TaskEdge;
  readonly queue: PostQueue;
  readonly cards: Cards;
  /** What people should know of: questions that can be shown nowhere, posts that are tried for long, the queue's trouble. */
  readonly troubled: () => TroubledPosts | undefined;
  /** Reads back what a gap in the connection may have hidden. */
  readonly readBack: (isGap: boolean) => Promise<void>;
  /** Leaves the gateway at once and gives back what was not sent; resolves when nothing is on its way any more. */
  readonly end: () => Promise<void>;
};

export type TermDeps = Omit<ConnectionDeps, "onClient"> &
  Omit<PostQueueDeps, "places"> &
  Omit<CardsDeps, "faceOf" | "places"> &
  Omit<DeletedQuestionsDeps, "faceOf"> &
  Omit<TaskEdgeDeps, "isConnected">;

/**
 * What remembers how messages look and what waits to be sent. It belongs to one time of leading: meanwhile nobody else
 * changes these messages, and whoever comes next begins with the ledger and with what Discord says.
 */
export function createTerm(deps: TermDeps): Term {
  const tasks = createTaskEdge({ ...deps, isConnected: () => connection.isConnected() });
  const faceOf = createFaces({ ...deps, holder: tasks.holder });
  const questions = createDeletedQuestions({ ...deps, faceOf });
  const { deliveries } = questions;
  const places = createPlaces(deps);
  const queue = createPostQueue({ ...deps, deliveries, places });
  const cards = createCards({ ...deps, deliveries, places, faceOf });
  const connection = createConnection({
    ...deps,
    onClient(client) {
      tasks.listen(client);
      questions.listen(client);
    },
  });
  return {
    connection,
    tasks,
    queue,
    cards,
    troubled() {
      const unasked = [...cards.placeless(), ...queue.placeless()];
      const [reason] = unasked;
      if (reason === undefined) return queue.troubled() ?? tasks.troubled();
      return { count: unasked.length, reason, isUnasked: true };
    },
    async readBack(isGap) {
      await Promise.all([tasks.reconcile(isGap), questions.reconcile(isGap)]);
    },
    async end() {
      const drained = [queue.stop(), cards.stop(), tasks.stop(), questions.stop()];
      await connection.stop();
      await Promise.all(drained);
    },
  };
}

/** What is asked of whichever time on Discord it is. */
export function inEachTerm(term: () => Term, guard: WriteGuard) {
  const ours = <T>(work: () => Promise<T>) => guard.claimed("leader")(work);
  return {
    perform: {
      post: (effect: ClaimedOf<"post">) => term().queue.post(effect),
      card: (effect: ClaimedOf<"card">) => term().cards.card(effect),
      claim: (effect: ClaimedOf<"task-claim">) => ours(() => term().tasks.claims.claim(effect)),
      check: (effect: ClaimedOf<"task-check">) => ours(() => term().tasks.claims.check(effect)),
    },
    queue: {
      post: (...given) => term().tasks.queue.post(...given),
      readBack: () => term().tasks.queue.readBack(),
      messages: (...given) => term().tasks.queue.messages(...given),
      clear: (...given) => term().tasks.queue.clear(...given),
    } satisfies QueueChannel,
  };
}
