import { isAbsolute, join } from "node:path";
import type { z } from "zod";
import type { ConfigProblem } from "../domain/config.ts";
import { STANDARD_WORKER, type TaskQueueSettings, type WorkerKind } from "../domain/task-settings.ts";
import { nearest } from "../kernel/text.ts";
import { expandPath } from "./fields.ts";
import { problemAt, suggest } from "./problems.ts";
import { DEFAULT_COMMAND } from "./task-queue-defaults.ts";
import type { taskQueueSchema } from "./task-queue-schema.ts";
import type { WorkerWishes } from "./worker-env.ts";
import type { YamlSource } from "./yaml-source.ts";

type Written = z.output<typeof taskQueueSchema>;
/** Gives an agent's id for its id or another word for it. */
type Find = (word: string) => string | undefined;
type Base = { readonly installation: string; readonly userHome?: string };

const DEFAULT_AGENT = "tech-lead";
const OWN_SECRETS = [
  "DISCORD_TOKEN",
  "ORCHESTRATOR_AGENT_TOKEN",
  "CHIP_TOKEN",
  "ORCHESTRATOR_API_KEY",
  "HQ_SECRET",
  "DATABASE_URL",
  "PGPASSWORD",
  "OTEL_EXPORTER_OTLP_HEADERS",
];

/** What the file says, with what the environment says in its place where it says something. */
export function toTaskQueue(from: {
  readonly written: Written;
  readonly find: Find;
  readonly wishes: WorkerWishes;
  readonly home: string;
  readonly base: Base;
}): TaskQueueSettings {
  const { written, wishes, base } = from;
  const agent = written.agent ?? DEFAULT_AGENT;
  const { worker, models } = written;
  const program = wishes.openclawBin ?? worker.openclaw_bin;
  const standard = toKind(worker, { wishes, base, program });
  const kinds = Object.entries(worker.kinds).map(([name, own]) => {
    const whole = {
      ...worker,
      ...defined(own),
      env: [...worker.env, ...own.env],
      set: { ...worker.set, ...own.set },
    };
    return [name, toKind(whole, { wishes, base, program })] as const;
  });
  return {
    agent: from.find(agent) ?? agent,
    executor: written.executor,
    graceMs: written.grace,
    maxAtOnce: written.max_at_once,
    authors: written.authors,
    hops: written.hops,
    englishOnly: written.english_only,
    models,
    modelPrefixes: written.model_prefixes,
    defaultModel: written.default_model,
    prices: toPrices(written),
    worker: {
      enabled: worker.enabled && namesAuthors(written),
      kinds: { ...Object.fromEntries(kinds), [STANDARD_WORKER]: standard },
      dir: join(from.home, "workers"),
      retentionMs: wishes.retentionMs ?? worker.retention,
      summaryMax: wishes.summaryMax ?? worker.summary_max,
      logMax: worker.log_max,
    },
  };
}

/** By the models' full names. */
export function toPrices({
  prices,
  models,
}: Pick<Written, "prices" | "models">): TaskQueueSettings["prices"] {
  const entries = Object.entries(prices).map(([name, price]) => {
    const model = Object.hasOwn(models, name) ? (models[name] ?? name) : name;
    return [model, { inputUsd: price.in, outputUsd: price.out }] as const;
  });
  return Object.fromEntries(entries);
}

function toKind(
  written: Pick<Written["worker"], "command" | "timeout" | "timeout_high" | "env" | "set"> & {
    readonly agents_md?: string | undefined;
    readonly tools_md?: string | undefined;
  },
  given: { readonly wishes: WorkerWishes; readonly base: Base; readonly program: string | undefined },
): WorkerKind {
  const { wishes, base } = given;
  const [first = "", ...rest] = written.command;
  const program = first === DEFAULT_COMMAND[0] ? (given.program ?? first) : first;
  const agentsMd = wishes.agentsMd ?? written.agents_md;
  return {
    command: [toProgram(program, base), ...rest],
    timeoutMs: wishes.timeoutMs ?? written.timeout,
    timeoutHighMs: wishes.timeoutMs ?? written.timeout_high,
    env: [...new Set(written.env)],
    set: { ...written.set, ...wishes.set },
    ...(agentsMd === undefined ? {} : { agentsMd: expandPath(agentsMd, base) }),
    ...(written.tools_md === undefined ? {} : { toolsMd: expandPath(written.tools_md, base) }),
  };
}

/** A bare name is looked for on the PATH; whatever holds a slash is a path. */
function toProgram(program: string, base: Base): string {
  return isAbsolute(program) || !/[/~]/.test(program) ? program : expandPath(program, base);
}

function namesAuthors({ authors }: Written): boolean {
  return authors.roles.length + authors.users.length + authors.bots.length > 0;
}

function defined<T extends object>(object: T) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function handedOn({ worker }: Written) {
  const kinds = Object.entries(worker.kinds).map(
    ([name, { env }]) => [["worker", "kinds", name, "env"], env] as const,
  );
  return [[["worker", "env"], worker.env] as const, ...kinds];
}

/** What does not fit together. */
export function checkTaskQueue(
  written: Written,
  source: YamlSource,
  known: { readonly find: Find; readonly ids: readonly string[]; readonly tokenNames: readonly string[] },
): readonly ConfigProblem[] {
  const secretNames = [...OWN_SECRETS, ...known.tokenNames];
  const at = (path: readonly string[], message: string, suggestion?: string) =>
    problemAt(source, ["task_queue", ...path], message, { suggestion });
  const aliases = Object.keys(written.models);
  const found: ConfigProblem[] = [];
  if (written.agent !== undefined && known.find(written.agent) === undefined)
    found.push(at(["agent"], `there is no agent "${written.agent}"`, suggest(written.agent, known.ids)));
  if (!aliases.includes(written.default_model))
    found.push(
      at(
        ["default_model"],
        `"${written.default_model}" is not in models`,
        suggest(written.default_model, aliases),
      ),
    );
  for (const [path, names] of handedOn(written)) {
    for (const [index, name] of names.entries())
      if (secretNames.includes(name))
        found.push(
          at(
            [...path, String(index)],
            `${name} holds a secret of this installation, and workers get none of them`,
            "give workers a key of their own, under a name of its own",
          ),
        );
  }
  if (Object.hasOwn(written.worker.kinds, STANDARD_WORKER))
    found.push(
      at(["worker", "kinds", STANDARD_WORKER], "is the worker itself: write its keys one step to the left"),
    );
  return found;
}

/** Allowed, and worth a word. */
export function doubtsAboutTaskQueue(written: Written, source: YamlSource): readonly ConfigProblem[] {
  const at = (path: readonly string[], message: string, suggestion: string) =>
    problemAt(source, ["task_queue", ...path], message, { suggestion });
  const found: ConfigProblem[] = [];
  if (written.worker.enabled && !namesAuthors(written))
    found.push(
      at(
        ["worker", "enabled"],
        "workers stay off as long as task_queue.authors names nobody: they may read and write files",
        "name the roles or users who may post tasks",
      ),
    );
  if (written.executor === "worker" && !written.worker.enabled)
    found.push(
      at(["executor"], "says worker, and workers are off", "set task_queue.worker.enabled and name authors"),
    );
  for (const name of Object.keys(written.prices)) {
    const aliases = Object.keys(written.models);
    if (aliases.includes(name) || name.includes("/")) continue;
    const near = nearest(name, aliases);
    found.push(
      at(
        ["prices", name],
        "is the price of no model: it is neither an alias nor a full name",
        near === undefined ? `there are: ${aliases.join(", ")}` : `did you mean "${near}"?`,
      ),
    );
  }
  return found;
}
