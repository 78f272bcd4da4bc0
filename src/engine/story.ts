import type { Registry } from "../domain/agent-card.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import { asSent, attemptsOf, type StoryAttempt, type StoryTimes, timesOf } from "../domain/story.ts";
import type { TraceLine } from "../domain/trace-types.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import { stateOf } from "./accept.ts";
import type { PromptFor } from "./dispatch.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { TraceVerb } from "./trace.ts";

const MOST_CHILDREN = 50;
const LONGEST_OBJECTIVE = 200;

/** Where a message of the guild can be looked at, as far as the guild is known. */
export type MessagePlace = (
  channel: string,
  message: string,
) => {
  /** Opens it. */
  readonly link?: string;
  /** What people call the channel, without #. */
  readonly channelName?: string;
};

/** A delegation told in full: what was sent, what came back, where people can see it. */
export type Story = {
  readonly delegation: DelegationView;
  /**
   * `prompt` is composed again of what is kept: tokens are placeholders, and the agent's role and colleagues are those
   * of today's configuration.
   */
  readonly attempts: readonly (StoryAttempt & { readonly prompt?: { readonly text: string } })[];
  readonly handoffs: DelegationState["handoffs"];
  readonly receipts: readonly (Receipt & ReturnType<MessagePlace> & { readonly what: string })[];
  /** What was delegated on its behalf. */
  readonly children: readonly StoryChild[];
  readonly times: StoryTimes;
  /** What happened, oldest first. */
  readonly events: readonly TraceLine[];
};

export type StoryChild = Pick<DelegationView, "id" | "agent" | "status" | "objective" | "queuedAt"> &
  Partial<Pick<DelegationView, "settledAt">>;

export function createStory(deps: {
  readonly ledger: Pick<Ledger, "load" | "receiptsOf" | "trail">;
  readonly registry: () => Registry;
  readonly showPrompt: PromptFor;
  readonly messagePlace: MessagePlace;
  readonly trace: TraceVerb;
  readonly now: () => number;
}): (id: string) => Promise<Story> {
  const { ledger, now } = deps;

  function promptOf(state: DelegationState, attempt: StoryAttempt): { readonly text: string } | undefined {
    const card = deps.registry().find(attempt.agent);
    if (!card) return undefined;
    try {
      return { text: deps.showPrompt(asSent(state, attempt), card).text };
    } catch (error) {
      // What no gateway would take was never sent.
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  async function childrenOf(id: string): Promise<readonly StoryChild[]> {
    const named = await ledger.trail.childrenOf(id, MOST_CHILDREN);
    const loaded = await Promise.all(named.map(({ stream }) => ledger.load(stream)));
    return loaded.flatMap((one) =>
      one?.kind === "delegation" ? childOf(viewOf(stateOf("delegation", one))) : [],
    );
  }

  return async (id) => {
    const loaded = await ledger.load(id);
    if (loaded?.kind !== "delegation") {
      throw new Refusal("not_found", `There is no delegation ${id}.`, {
        hint: "`hq status` lists the latest ones with their ids.",
      });
    }
    const state = stateOf("delegation", loaded);
    const [receipts, children, trace] = await Promise.all([
      ledger.receiptsOf(id),
      childrenOf(id),
      deps.trace(id),
    ]);
    const attempts = attemptsOf(state, now());
    return {
      delegation: viewOf(state),
      attempts: attempts.map((attempt) => {
        const prompt = promptOf(state, attempt);
        return { ...attempt, ...(prompt ? { prompt } : {}) };
      }),
      handoffs: state.handoffs,
      receipts: receipts.map((receipt) => {
        const what = receipt.delivery.slice(id.length + 1);
        return { ...receipt, what, ...deps.messagePlace(receipt.channel, receipt.message) };
      }),
      children,
      times: timesOf(state, attempts, receipts),
      events: trace.lines.filter(({ subject }) => subject === id),
    };
  };
}

function childOf(view: DelegationView): StoryChild {
  const { id, agent, status, objective, queuedAt, settledAt } = view;
  return {
    id,
    agent,
    status,
    objective: oneLine(objective, LONGEST_OBJECTIVE),
    queuedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
  };
}
