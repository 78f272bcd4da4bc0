import { join } from "node:path";
import type { TaskQueueSettings } from "../../src/domain/task-settings.ts";

/** The defaults of the queue, with workers switched on and a command that names no program of this machine. */
export function taskQueueOf(home: string): TaskQueueSettings {
  const price = (inputUsd: number, outputUsd: number) => ({ inputUsd, outputUsd });
  const models = {
    cheap: "openrouter/stepfun/step-3.5-flash:free",
    primary: "openrouter/moonshotai/kimi-k2.5",
    coder: "openrouter/qwen/qwen3-coder-next",
    research: "openrouter/google/gemini-3-pro-preview",
  };
  return {
    agent: "tech-lead",
    executor: "agent",
    graceMs: 2000,
    maxAtOnce: 6,
    authors: { roles: [], users: [], bots: [] },
    hops: 2,
    englishOnly: false,
    models,
    modelPrefixes: ["openrouter/"],
    defaultModel: "primary",
    prices: {
      [models.cheap]: price(0, 0),
      [models.primary]: price(0.00045, 0.00225),
      [models.coder]: price(0.00015, 0.0008),
      [models.research]: price(0.002, 0.012),
    },
    worker: {
      enabled: true,
      kinds: {
        standard: {
          command: [join(home, "no-such-program"), "{message}"],
          timeoutMs: 120_000,
          timeoutHighMs: 300_000,
          env: [],
          set: {},
        },
      },
      dir: join(home, "workers"),
      retentionMs: 86_400_000,
      summaryMax: 2000,
      logMax: 4 << 20,
    },
  };
}
