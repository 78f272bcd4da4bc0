import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { MOST_CHANNEL_MESSAGES, MOST_RETRIES, readChannelId } from "../api/limits.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { type DelegationView, routeWords } from "../domain/view.ts";
import type { AgentStatus } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import type { Client } from "./client.ts";
import { readContextFile } from "./context-file.ts";
import { type Hq, parseCount, parseRunId, parseSpan } from "./hq.ts";
import type { Io } from "./io.ts";
import { refuseIdleWait } from "./leaving.ts";
import { printOutcome } from "./outcome.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { waitAndPrint } from "./wait.ts";

type DelegateOptions = {
  readonly caller?: string;
  readonly capability?: string;
  readonly fallback?: boolean;
  readonly model?: string;
  readonly timeout?: number;
  readonly startWithin?: number;
  readonly wait: boolean;
  readonly waitTimeout?: number;
  readonly retries?: number;
  readonly validate?: true;
  readonly format: "json" | "text";
  readonly context?: readonly string[];
  readonly channelContext?: string;
  readonly channelMessages?: number;
  readonly deliver: boolean;
  readonly agentPosts?: true;
  readonly channel?: string;
  readonly runId?: string;
  readonly parent?: string;
  readonly token?: string;
  readonly workflowId?: string;
  readonly stepId?: string;
  readonly ifDown?: "wait" | "refuse";
  readonly json?: true;
};

export function registerDelegate(program: Command, hq: Hq): void {
  program
    .command("delegate")
    .description("ask an agent for work and wait for its handoff")
    .argument("[agent]", "id, alias or letter of the agent; left out with --capability")
    .argument("[task]", "what is to be done, in quotes; - reads it from standard input")
    .option("--capability <word>", "instead of an agent: whoever has it, may be asked and is free first")
    .option("--fallback", "another agent that can do it gets the work when this one cannot be given it")
    .option("--no-fallback", "the agent that --capability chose, and nobody else")
    .option("--model <model>", "cheapest that fits by the rules of config/hq.yaml, or the name of one")
    .option("--caller <agent>", "for which agent you ask; its row of the matrix counts (operator only)")
    .option("--timeout <duration>", "for each attempt, from the dispatch on (300)", parseSpan)
    .option("--start-within <duration>", "how long it may wait for a free or living agent (1h)", parseSpan)
    .addOption(
      new Option("--if-down <what>", "when the agent does not answer now").choices(["wait", "refuse"]),
    )
    .option("--wait", "wait for the handoff", true)
    .option("--no-wait", "print the id and leave")
    .option("--wait-timeout <duration>", "stop waiting after this span (exit 4); the work goes on", parseSpan)
    .option("--retries <n>", "further attempts after a failed one, 0 to 3 (1)", parseCount(0, MOST_RETRIES))
    .option("--validate", "accept only handoffs that have every field")
    .addOption(
      new Option("--format <format>", "what the agent answers in and what is printed")
        .choices(["json", "text"])
        .default("json"),
    )
    .option(
      "--context <file>",
      "attach a text file (UTF-8); may be repeated",
      (file, all: readonly string[] | undefined) => [...(all ?? []), file],
    )
    .option("--channel-context <channel>", "attach the recent messages of a channel, as untrusted data")
    .option("--channel-messages <n>", "how many of them, 1 to 30 (20)", parseCount(1, MOST_CHANNEL_MESSAGES))
    .option("--deliver", "post the result to #results", true)
    .option("--no-deliver", "do not post it to #results; the line in #agent-logs stays")
    .option("--agent-posts", "the agent itself posts too: to --channel, or to its own channel")
    .option("--channel <id>", "the Discord channel id to which the agent itself posts", parseChannel)
    .option("--run-id <id>", "an id of your own; the same again answers what came of it", parseRunId)
    .option("--parent <id>", "the delegation on whose behalf you ask")
    .option(
      "--token <token>",
      "of the run on whose behalf an agent asks; better by HQ_RUN_TOKEN, which no list of processes shows",
      parseToken,
    )
    .option("--workflow-id <id>", "for tracing: the workflow run it belongs to")
    .option("--step-id <id>", "for tracing: the step of that run")
    .option("--json", "print JSON whatever --format says")
    .addHelpText("after", EXAMPLES)
    .action((first: string | undefined, second: string | undefined, options: DelegateOptions) =>
      hq.run(() => delegate(hq, wordsOf(first, second, options), options)),
    );
}

const EXAMPLES = `
Examples:
  hq delegate webster "Find the CTE of Zerodur" --caller manager --timeout 120
  hq delegate --capability materials "Find the CTE of ULE"
  hq delegate tech-lead "Review thermal margins" --channel-context technical --channel-messages 20
  cat task.md | hq delegate webster - --context notes.md --format text

Exit codes: 0 done (partial: with a warning), 1 failed or blocked, 2 wrong input, 3 refused, 4 timeout,
5 nobody reachable, 130 interrupted (the work goes on).
`;

type Words = { readonly agent: string | undefined; readonly task: string };

/** With a capability the only word is the task; an agent before it is the one to be asked first. */
function wordsOf(
  first: string | undefined,
  second: string | undefined,
  { capability }: DelegateOptions,
): Words {
  if (first !== undefined && second !== undefined) return { agent: first, task: second };
  if (first !== undefined && capability !== undefined) return { agent: undefined, task: first };
  throw new Refusal("invalid_input", first === undefined ? "Nothing is asked." : "The task is missing.", {
    hint: 'Name the agent and the task: hq delegate webster "Find the CTE of ULE"; or hq delegate --capability materials "…".',
  });
}

async function delegate(hq: Hq, { agent, task }: Words, options: DelegateOptions): Promise<number> {
  const { io } = hq;
  refuseIdleWait(options);
  const objective = task === "-" ? await io.readInput() : task;
  if (objective.trim() === "") {
    throw new Refusal("invalid_input", "The task is empty.", {
      hint: 'Say what is to be done: hq delegate webster "Find the CTE of ULE".',
    });
  }
  const body = bodyOf(io, agent, objective, options);
  const client = hq.client("always", options.token);
  const isJson = options.json === true || options.format === "json";
  const accepted = await place(io, client, body, options);
  if (accepted === undefined) return 130;
  for (const warning of accepted.warnings ?? []) io.err(`Warning: ${oneLine(warning, 500)}\n`);
  for (const line of routeWords(accepted)) io.err(`${oneLine(line, 300)}\n`);
  if (options.wait) {
    return waitAndPrint(io, client, accepted.id, { isJson, withinMs: options.waitTimeout, known: accepted });
  }
  if (isJson) printOutcome(io, accepted, true);
  else io.out(`${accepted.id}\n`);
  io.err(`${placedText(accepted)}: see \`hq wait ${accepted.id}\`.\n`);
  return 0;
}

/** Where the work is now. Whether the agent is busy or drained shows when its turn comes. */
function placedText({ agent, status, waiting }: DelegationView): string {
  if (isSettled(status)) return `It is ${status}`;
  if (status === "dispatched") return `${agent} has it`;
  if (waiting) return `It waits for ${agent}, ${oneLine(waiting.text, 200)}`;
  return `It is queued for ${agent}, who gets it when it is free and takes work`;
}

function bodyOf(io: Io, agent: string | undefined, objective: string, options: DelegateOptions) {
  const { caller, timeout, startWithin, retries, validate, runId, parent, workflowId, stepId, ifDown } =
    options;
  if (options.channelMessages !== undefined && options.channelContext === undefined) {
    throw new Refusal("invalid_input", "--channel-messages is given without --channel-context.", {
      hint: "Name the channel: --channel-context technical.",
    });
  }
  const ms = (span: number | undefined) => (span === undefined ? undefined : `${span}ms`);
  return {
    agent,
    capability: options.capability,
    fallback: options.fallback,
    model: options.model,
    objective,
    caller,
    timeout: ms(timeout),
    startWithin: ms(startWithin),
    retries,
    validate,
    format: options.format,
    deliver: options.deliver,
    context: options.context?.map((file) => readContextFile(io.cwd, file)),
    channelContext:
      options.channelContext === undefined
        ? undefined
        : { channel: options.channelContext, messages: options.channelMessages },
    agentPosts: options.channel === undefined ? undefined : { channel: options.channel },
    runId,
    parent,
    workflow: workflowId || stepId ? { run: workflowId, step: stepId } : undefined,
    ifDown,
  };
}

/** Hands the work over once: a repeat after a broken answer carries the same key. Undefined when interrupted. */
function place(
  io: Io,
  client: Client,
  body: ReturnType<typeof bodyOf>,
  options: DelegateOptions,
): Promise<DelegationView | undefined> {
  return untilInterrupted(io, async (signal) => {
    const agentPosts =
      options.agentPosts && !body.agentPosts
        ? { channel: await ownChannel(client, body.agent, signal) }
        : body.agentPosts;
    // A chosen id, and the derived id of an agent's sub-delegation, are keys of their own.
    const isBound = options.token !== undefined || Boolean(io.env.HQ_RUN_TOKEN);
    const hasOwnKey =
      body.runId !== undefined || isBound || (body.parent !== undefined && io.env.HQ_AGENT_TOKEN);
    return client.ask<DelegationView>(
      {
        method: "POST",
        path: "/delegations",
        body: { ...body, agentPosts },
        ...(hasOwnKey ? {} : { key: randomUUID() }),
        isRepeatable: true,
      },
      signal,
    );
  });
}

async function ownChannel(client: Client, agent: string | undefined, signal: AbortSignal): Promise<string> {
  if (agent === undefined) {
    throw new Refusal("invalid_input", "--agent-posts needs a channel when no agent is named.", {
      hint: "Say where it is to post: --channel <id>.",
    });
  }
  const { card } = await client.ask<AgentStatus>({ path: `/agents/${encodeURIComponent(agent)}` }, signal);
  const read = readChannelId(card.channel ?? "");
  if ("id" in read) return read.id;
  throw new Refusal("invalid_input", `config/agents.yaml names no channel id for ${card.id}.`, {
    hint: "Say where it is to post: --channel <id>.",
  });
}

function parseChannel(text: string): string {
  const read = readChannelId(text);
  if ("id" in read) return read.id;
  throw new InvalidArgumentError(`${read.wrong.charAt(0).toUpperCase()}${read.wrong.slice(1)}`);
}

/** With an empty one, as of a variable that is not set, somebody else would ask: whoever runs the command. */
function parseToken(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("It is empty: is the variable set that holds it?");
}
