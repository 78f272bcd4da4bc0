import { type Actor, callerOf } from "../domain/actor.ts";
import type { Order } from "../domain/delegation-types.ts";
import { isModelWord, modelWords } from "../domain/model-choice.ts";
import type { TaskQueueSettings } from "../domain/task-settings.ts";
import { canonicalJson, digestOf, isRunId } from "../kernel/id.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { writtenDuration } from "../kernel/time.ts";
import type { DelegateRequest } from "./verbs.ts";

const SHORTEST_TIMEOUT_MS = 1000;
const LONGEST_TIMEOUT_MS = 48 * 3_600_000;
const MOST_RETRIES = 3;
const MOST_MESSAGES = 30;
/** The transport takes 256 KiB; this leaves room for the frame of the prompt. */
const LONGEST_TASK_BYTES = 240 * 1024;

/** The key that makes a repeat a no-op, with what counts as the same request. */
export function keyFor(actor: Actor, request: DelegateRequest, agent: string | undefined, id: string) {
  const digest = digestOf(
    canonicalJson({
      ...request,
      key: undefined,
      origin: undefined,
      card: undefined,
      actor: callerOf(actor),
      agent,
    }),
  );
  return { ...(request.key ?? { scope: "run", key: id }), digest };
}

/** Everything that is wrong with a request at once. */
export function refuseProblems(
  request: DelegateRequest,
  queue: Pick<TaskQueueSettings, "models" | "modelPrefixes">,
): void {
  const problems: Problem[] = [];
  const bad = (path: string, message: string) => problems.push({ path, message });
  const { timeoutMs, startWithinMs, retries, runId, channelContext, agentPosts } = request;
  const { agent, capability, fallback, model } = request;
  if (agent === undefined && capability === undefined)
    bad("agent", "must be given, or capability instead of it");
  if (agent !== undefined && capability !== undefined && !fallback)
    bad(
      "capability",
      "goes with an agent only to say who may stand in for it: allow fallback, or leave one out",
    );
  if (model !== undefined && !isModelWord(queue, model)) {
    const there = modelWords(queue);
    const near = nearest(model, there);
    bad(
      "model",
      `names no model "${model}": ${near === undefined ? `there are ${there.join(", ")}` : `did you mean "${near}"?`}`,
    );
  }
  if (request.objective.trim() === "") bad("objective", "is empty: say what the agent is to do");
  if (timeoutMs !== undefined && !(timeoutMs >= SHORTEST_TIMEOUT_MS && timeoutMs <= LONGEST_TIMEOUT_MS)) {
    bad(
      "timeout",
      `must be between ${writtenDuration(SHORTEST_TIMEOUT_MS)} and ${writtenDuration(LONGEST_TIMEOUT_MS)}`,
    );
  }
  if (startWithinMs !== undefined && !(startWithinMs >= 0 && startWithinMs <= 7 * 86_400_000))
    bad("startWithin", "must be at most 7 days");
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0 && retries <= MOST_RETRIES)) {
    bad("retries", `must be a whole number from 0 to ${MOST_RETRIES}`);
  }
  if (runId !== undefined && !isRunId(runId))
    bad(
      "runId",
      "may hold letters, digits, dot, dash, underscore and tilde, 80 at most, and begins with a letter or digit",
    );
  if (runId !== undefined && /\.\d{1,2}$/.test(runId)) {
    bad("runId", "may not end in a dot and one or two digits: handoff files of later attempts end so");
  }
  const messages = channelContext?.messages;
  if (messages !== undefined && !(Number.isInteger(messages) && messages >= 1 && messages <= MOST_MESSAGES)) {
    bad("channelMessages", `must be a whole number from 1 to ${MOST_MESSAGES}`);
  }
  if (agentPosts && !/^\d{17,20}$/.test(agentPosts.channel)) {
    bad(
      "channel",
      "must be a Discord channel id of 17 to 20 digits (in Discord: right-click the channel, Copy Channel ID); names and ids of other services do not work here",
    );
  }
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  throw new Refusal("invalid_input", `${text}.`, { problems });
}

/** What no gateway would take. */
export function refuseTooLarge(order: Order): void {
  const parts = [
    order.objective,
    ...order.attachments.map(({ text }) => text),
    order.channelContext?.text ?? "",
  ];
  // No character takes more than three bytes a code unit.
  if (parts.reduce((sum, part) => sum + 3 * part.length, 0) <= LONGEST_TASK_BYTES) return;
  const bytes = parts.reduce((sum, part) => sum + new TextEncoder().encode(part).length, 0);
  if (bytes <= LONGEST_TASK_BYTES) return;
  throw new Refusal(
    "too_large",
    `The task is ${Math.ceil(bytes / 1024)} KiB with its context; the agents' gateways take ${LONGEST_TASK_BYTES / 1024} KiB.`,
    {
      hint: "Shorten it, or put the material into a file the agent can read and name its path.",
    },
  );
}
