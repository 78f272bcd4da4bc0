import type { AgentCard } from "../domain/agent-card.ts";
import type { Config } from "../domain/config.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import type { Env } from "./mode.ts";

const MEMO = "sends-by";

/**
 * When something last changed of what agents are sent by: addresses, tokens, and whatever words their prompts are made
 * of. Kept in the ledger, so that a change between two lives counts too.
 */
export function createLastChange(deps: {
  readonly ledger: Pick<Ledger, "recall" | "remember">;
  readonly config: () => Config;
  readonly env: Env;
  readonly version: string;
  readonly now: () => number;
}) {
  const { ledger, env } = deps;
  let known: string | undefined;
  let unwritten: { readonly digest: string; readonly at: number } | undefined;

  function digestNow(): string {
    const { registry, acl, people, settings } = deps.config();
    const tokens = registry.agents.map(({ tokenEnv }) => tokenEnv && (env[tokenEnv] ?? null));
    const parts = [deps.version, registry.agents.map(lasting), tokens, acl, people, settings];
    return digestOf(canonicalJson(parts));
  }

  async function kept(): Promise<{ readonly digest?: string; readonly at: number }> {
    return JSON.parse((await ledger.recall(MEMO)) ?? '{"at":0}');
  }

  async function write(): Promise<void> {
    const now = unwritten;
    if (!now) return;
    await ledger.remember(MEMO, JSON.stringify(now));
    if (unwritten === now) unwritten = undefined;
  }

  return {
    /** At a start before anything is sent, and in the moment from which another configuration holds. */
    async note(): Promise<void> {
      const at = deps.now();
      const isStart = known === undefined;
      const digest = digestNow();
      if (digest === known) return;
      known = digest;
      if (isStart && (await kept()).digest === digest) return;
      unwritten = { digest, at };
      await write();
    },
    async at(): Promise<number> {
      await write();
      return (await kept()).at;
    },
  };
}

/** Samples have another address in each life. */
function lasting({ url, ...card }: AgentCard): object {
  return card.sample ? card : { ...card, url };
}
