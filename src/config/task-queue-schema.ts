import { z } from "zod";
import { MODEL_NAME, WORKER_PLACEHOLDERS } from "../domain/task-settings.ts";
import { agentId, duration, envName, hours, pathText, seconds, size } from "./fields.ts";
import { DEFAULT_COMMAND, DEFAULT_MODELS, DEFAULT_PRICES } from "./task-queue-defaults.ts";

const KIB = 1024;
const WORD = /^[a-z0-9][a-z0-9._-]{0,39}$/;
const word = (what: string) => z.string().regex(WORD, `${what} are small letters, digits, dashes and dots`);
const modelName = z
  .string()
  .regex(MODEL_NAME, "must be a model's name as its provider writes it, such as openrouter/qwen/qwen3-coder");
const userId = (whose: string) =>
  z.string().regex(/^\d{17,20}$/, `must be ${whose} id of 17 to 20 digits: names can be taken over`);

const argument = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => unknownPlaceholder(text) === undefined, {
    error: (issue) =>
      `{${unknownPlaceholder(String(issue.input))}} is no placeholder; there are ${WORKER_PLACEHOLDERS.map((name) => `{${name}}`).join(", ")}`,
  });

const command = z.array(argument).min(1).max(100);
const span = duration({ minMs: seconds(1), maxMs: hours(48) });
const variables = z.record(envName, z.string().max(4000)).default({});
const names = z.array(envName).max(100).default([]);

/** `task_queue` of config/hq.yaml. */
export const taskQueueSchema = z
  .strictObject({
    agent: agentId
      .optional()
      .describe("Who does a task that names nobody. Default tech-lead, where there is one."),
    executor: z
      .enum(["agent", "worker"])
      .default("agent")
      .describe("What does a task without [agent:] and without [worker:]. Default agent."),
    grace: duration({ minMs: 0, maxMs: seconds(600) })
      .prefault("2s")
      .describe("An edit within this time after posting is still seen. Default 2s."),
    max_at_once: z
      .int()
      .min(1)
      .max(100)
      .default(6)
      .describe("Tasks, and worker processes, at once. Default 6."),
    authors: z
      .strictObject({
        roles: z.array(z.string().min(1).max(100)).max(100).default([]),
        users: z.array(userId("a person's")).max(1000).default([]),
        bots: z.array(userId("a bot's")).max(100).default([]),
      })
      .prefault({})
      .describe("Who may post tasks: role names or ids, user ids, ids of other bots."),
    hops: z
      .int()
      .min(0)
      .max(10)
      .default(2)
      .describe("A bot's post that came over more bots than this is refused. Default 2."),
    english_only: z.boolean().default(false).describe("Workers are told to write English. Default false."),
    models: z
      .record(word("aliases of models"), modelName)
      .default(DEFAULT_MODELS)
      .describe("What [model:] may name → the model's name as its provider knows it."),
    model_prefixes: z
      .array(modelName)
      .max(20)
      .default(["openrouter/"])
      .describe("Names that begin so may be named as they are. Default openrouter/."),
    default_model: word("aliases of models").default("primary").describe("One of models. Default primary."),
    prices: z
      .record(
        z.string().min(1).max(200),
        z.strictObject({ in: z.number().min(0).max(1000), out: z.number().min(0).max(1000) }),
      )
      .default(DEFAULT_PRICES)
      .describe(
        "Alias or full name → US dollars for 1,000 tokens in and out. A model without one costs n/a.",
      ),
    worker: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .describe(
            "Fresh processes for tasks; needs authors as well. Sample agents bring theirs. Default false.",
          ),
        command: command
          .default([...DEFAULT_COMMAND])
          .describe(
            "A program and its arguments, never a shell. Placeholders: {session}, {folder}, {thinking}, {message}, {model}.",
          ),
        openclaw_bin: pathText
          .optional()
          .describe("Where openclaw is, when it is not on the PATH of the supervisor."),
        timeout: span.prefault("120s").describe("Default 120s."),
        timeout_high: span.prefault("300s").describe("The same when thinking is high. Default 300s."),
        retention: duration({ minMs: 0, maxMs: hours(24 * 365) })
          .prefault("24h")
          .describe("How long folders of successes are kept; failures are kept. Default 24h."),
        summary_max: z
          .int()
          .min(50)
          .max(100_000)
          .default(2000)
          .describe("Characters of a summary. Default 2000."),
        log_max: size({ min: KIB, max: 1024 * KIB * KIB })
          .prefault("4MiB")
          .describe("What agent-output.log may hold. Default 4MiB."),
        env: names.describe(
          "Names of variables that workers get from our environment, beside HOME, PATH and the language.",
        ),
        set: variables.describe("Variables that workers get with the value given here."),
        agents_md: pathText
          .optional()
          .describe("A template for AGENTS.md. Default: the one that is built in."),
        tools_md: pathText.optional().describe("The text of TOOLS.md. Default: the one that is built in."),
        kinds: z
          .record(
            word("kinds of workers"),
            z.strictObject({
              command: command.optional(),
              timeout: span.optional(),
              timeout_high: span.optional(),
              env: names,
              set: variables,
              agents_md: pathText.optional(),
              tools_md: pathText.optional(),
            }),
          )
          .default({})
          .describe("What [worker:] may name beside standard; what a kind does not say is as above."),
      })
      .prefault({}),
  })
  .prefault({});

function unknownPlaceholder(text: string): string | undefined {
  const known: readonly string[] = WORKER_PLACEHOLDERS;
  for (const [, name = ""] of text.matchAll(/\{([a-z_]+)\}/g)) if (!known.includes(name)) return name;
  return undefined;
}
