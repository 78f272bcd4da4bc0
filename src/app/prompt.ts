import type { AgentCard } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { colleaguesOf } from "../domain/guard.ts";
import { warningsFor } from "../domain/order-warnings.ts";
import { composePrompt, type PromptInput, TOKEN_PLACEHOLDER } from "../domain/prompt.ts";
import type { PromptFor } from "../engine/dispatch.ts";
import type { Inbox } from "../engine/ports/handoffs.ts";
import { sign } from "../kernel/id.ts";
import type { CoreDeps } from "./core.ts";
import { runToken } from "./credentials.ts";

type Deps = Pick<CoreDeps, "config" | "handInUrl" | "delegateUrl" | "tokens" | "secret" | "log"> &
  Pick<Inbox, "pathFor">;
/** What only the agent that it is sent to may read. */
type Secrets = {
  readonly handIn: () => string;
  readonly delegate: () => string;
  readonly nonce: () => string;
};

/** The messages of the last attempt of a delegation: `send` as the agent gets it, `show` without what is secret. */
export function createPrompts(deps: Deps): { readonly send: PromptFor; readonly show: PromptFor } {
  return {
    send(state, card) {
      const { id } = state.order;
      const { attempt } = currentAttempt(state);
      const prompt = composePrompt(
        inputFor(deps, state, card, {
          handIn: () => deps.tokens.tokenFor(id, attempt),
          delegate: () => runToken(deps.secret, { run: id, attempt, agent: state.order.agent }),
          nonce: () => `data-${sign(deps.secret, `fence:${id}#${attempt}`).slice(0, 16)}`,
        }),
      );
      for (const text of warningsFor(state.order, card))
        deps.log.warn({ run: id, agent: card.id, text }, "a delegation with a warning");
      return prompt;
    },
    show: (state, card) =>
      composePrompt(
        inputFor(deps, state, card, {
          handIn: () => TOKEN_PLACEHOLDER,
          delegate: () => TOKEN_PLACEHOLDER,
          nonce: () => "data",
        }),
      ),
  };
}

function inputFor(deps: Deps, state: DelegationState, card: AgentCard, secrets: Secrets): PromptInput {
  const { order } = state;
  const { attempt } = currentAttempt(state);
  const before = state.attempts.at(-2);
  const { acl, registry, settings } = deps.config();
  // Only foreign text is fenced.
  const hasForeignText = order.attachments.length > 0 || order.channelContext !== undefined;
  return {
    order,
    attempt,
    problems: before?.problems ?? [],
    ...(before?.reason ? { lastReason: before.reason } : {}),
    card,
    handoff:
      card.handoffVia === "rest"
        ? { via: "rest", url: deps.handInUrl(order.id, card), token: secrets.handIn() }
        : { via: "file", path: deps.pathFor(order, card, attempt) },
    mayDelegateTo: colleaguesOf(order, { acl, registry, maxDepth: settings.delegation.maxDepth }),
    delegateBy: { url: deps.delegateUrl(card), token: secrets.delegate() },
    nonce: hasForeignText ? secrets.nonce() : "data",
  };
}
