import assert from "node:assert/strict";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { CallRequest } from "../../src/engine/orchestrator-verbs.ts";
import type { DispatchAnswer, DispatchRequest } from "../../src/engine/ports/agents.ts";
import { isRefusal, type Refusal } from "../../src/kernel/refusal.ts";
import { AGENT_IDS, cardOf, handoffOf, startCore } from "./core.ts";
import { temporaryFolder } from "./supervisor.ts";

export const operator = { kind: "operator" } as const;
export type Core = Awaited<ReturnType<typeof startCore>>;

export const LETTERED: readonly AgentCard[] = AGENT_IDS.map((id, index) =>
  cardOf(id, { letter: String.fromCharCode(65 + index), concurrency: 64 }),
);

export const callOf = (more: Partial<CallRequest> = {}): CallRequest => ({
  instances: ["A-H"],
  payload: { task: "Say who you are" },
  mode: "all",
  timeoutMs: 10_000,
  origin: { door: "rest" },
  ...more,
});

/** How an agent behaves when it gets work; `work` = it takes it and hands in at once. */
export type Behaviour = "work" | "silent" | DispatchAnswer;

export function runOf({ idempotencyKey }: Pick<DispatchRequest, "idempotencyKey">): string {
  return idempotencyKey.replace(/#\d+$/, "");
}

/** The engine with eight agents behind letters, each of which does what the script says of it. */
export async function withOrchestra(
  folder: string,
  body: (core: Core) => Promise<void>,
  script: {
    readonly behave?: (agent: string, request: DispatchRequest) => Behaviour;
    readonly result?: (request: DispatchRequest) => string;
    readonly cards?: readonly AgentCard[];
    readonly more?: Parameters<typeof startCore>[1];
    readonly at?: number;
  } = {},
): Promise<void> {
  const core: Core = await startCore(folder, {
    cards: script.cards ?? LETTERED,
    ...(script.at === undefined ? {} : { at: script.at }),
    async answer(request): Promise<DispatchAnswer> {
      const behaviour = script.behave?.(request.agent.id, request) ?? "work";
      if (typeof behaviour === "object") return behaviour;
      if (behaviour === "work") {
        const result = script.result?.(request) ?? `${request.agent.id} says hello`;
        await core.hand(runOf(request), handoffOf(runOf(request), { agent: request.agent.id, result }));
      }
      return { kind: "accepted" };
    },
    ...script.more,
  });
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

/** The same in a folder that nothing comes back to. */
export async function inOrchestra(...[body, script]: Rest<Parameters<typeof withOrchestra>>): Promise<void> {
  using folder = temporaryFolder();
  await withOrchestra(folder.path, body, script);
}
type Rest<T extends readonly unknown[]> = T extends [unknown, ...infer R] ? R : never;

export async function refusalIn(run: Promise<unknown>): Promise<Refusal> {
  try {
    await run;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
