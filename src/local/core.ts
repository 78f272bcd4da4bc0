import { join } from "node:path";
import { createCommands } from "./acts/commands.ts";
import { createEndpoint } from "./acts/endpoint.ts";
import { ANSWER_MS, createInteractions } from "./acts/interactions.ts";
import { createMessages } from "./acts/messages.ts";
import { createReactions } from "./acts/reactions.ts";
import { createThreads } from "./acts/threads.ts";
import { createAttachments } from "./attachments.ts";
import type { Faults } from "./faults.ts";
import { createSessionStarts } from "./gateway/session-starts.ts";
import { createRateLimits, type RateTable } from "./rate-limits.ts";
import type { Seed } from "./seed.ts";
import { populate } from "./state/population.ts";
import { createMemoryStore, openStore } from "./state/store.ts";
import { createViews } from "./state/views.ts";
import { createWorld } from "./state/world.ts";

export type Core = ReturnType<typeof createCore>;

/** The guild without its doors: what is so, and the acts that change it. */
export function createCore({
  seed,
  dir,
  now,
  faults,
  rates,
  url,
}: {
  seed: Seed;
  dir: string | undefined;
  now: () => number;
  faults: Faults;
  rates: RateTable | false;
  url: () => string;
}) {
  const store = dir === undefined ? createMemoryStore() : openStore(dir);
  const world = createWorld({ population: populate(seed), store, now });
  const attachments = createAttachments({
    world,
    folder: dir === undefined ? undefined : join(dir, "attachments"),
  });
  const views = createViews({
    world,
    attachmentUrl: (channelId, one) => `${url()}${attachments.pathFor(channelId, one)}`,
  });
  const messages = createMessages({ world, attachments });
  const endpoint = createEndpoint({ world, waitMs: ANSWER_MS });
  const takes = (fault: "stale-interaction" | "lose-event" | "duplicate-event") => () =>
    faults.takeEvent(fault, "INTERACTION_CREATE");
  return {
    world,
    views,
    endpoint,
    attachments,
    messages,
    reactions: createReactions({ world }),
    threads: createThreads({ world, messages }),
    commands: createCommands({ world }),
    interactions: createInteractions({
      world,
      messages,
      endpoint,
      isStale: takes("stale-interaction"),
      isLost: takes("lose-event"),
      isTwice: takes("duplicate-event"),
    }),
    faults,
    limits: createRateLimits({ table: rates, now }),
    sessionStarts: createSessionStarts({ now }),
    url,
    close: () => store.close(),
  };
}
