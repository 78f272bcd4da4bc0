import { z } from "zod";
import { POST_HOOKS } from "../domain/pipeline-types.ts";
import { channelName, duration, hours, minutes, pathText, seconds } from "./fields.ts";

const days = (count: number) => hours(24 * count);
export const MOST_STEPS = 10_000;
const MOST_NEEDS = 1000;

export const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const RULE = "small letters, digits and dashes, beginning with a letter, at most 40";
const workflowName = z.string().regex(NAME, `a workflow's name is ${RULE}`);
const stepId = z.string().regex(NAME, `a step's id is ${RULE}`);

const inputValue = z.union([z.string().max(100_000), z.number(), z.boolean()], {
  error: "must be text, a number, or true or false",
});
/** What a template's field takes beside: lists, and JSON Schemas as maps. */
const fieldValue = z.union(
  [inputValue, z.array(inputValue).max(1000), z.record(z.string().max(200), z.unknown())],
  { error: "must be text, a number, true or false, a list of these, or a map" },
);
const inputName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,39}$/,
    "an input's name is letters, digits, dashes and underscores, at most 40",
  );

const input = z.strictObject({
  type: z.enum(["string", "number", "boolean", "choice"]).default("string"),
  description: z.string().max(200).default("").describe("What people are asked for."),
  required: z.boolean().default(false).describe("Nothing starts without it. Default false."),
  default: inputValue.optional().describe("What holds when it is not given."),
  options: z.array(z.string().min(1).max(100)).min(1).max(25).optional().describe("The words of a choice."),
  min_length: z.int().min(0).max(100_000).optional().describe("Characters of a string, at least."),
  max_length: z.int().min(1).max(100_000).optional().describe("Characters of a string, at most."),
  min: z.number().optional().describe("The least a number may be."),
  max: z.number().optional().describe("The most a number may be."),
});

const attemptTime = duration({ minMs: seconds(1), maxMs: hours(48) });
const retry = z.strictObject({
  max_attempts: z.int().min(1).max(4).optional().describe("Attempts in all, 1 to 4. Default 2."),
  delay: duration({ minMs: 0, maxMs: hours(1) })
    .optional()
    .describe("How long to wait before the next attempt. Default 0."),
  backoff: z
    .enum(["fixed", "exponential"])
    .optional()
    .describe("exponential doubles the delay each time. Default exponential."),
});

const perTask = {
  model: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("cheapest, or a model of config/hq.yaml. Default: the agent's own."),
  timeout: attemptTime
    .optional()
    .describe("One attempt, counted from the agent's acknowledgment; 1s to 48h. Default 300s."),
  start_within: duration({ minMs: seconds(1), maxMs: days(7) })
    .optional()
    .describe(
      "How long a step may wait for a free or living agent, and for Discord to read a channel. Default: until the run's end.",
    ),
  retry: retry.optional(),
  validate: z.boolean().optional().describe("Refuse handoffs that are not exactly right. Default false."),
  format: z.enum(["json", "text"]).optional().describe("How the agent writes its result. Default json."),
  fallback: z
    .boolean()
    .optional()
    .describe(
      "Another agent that can do it gets the work when this one cannot be given it. Default: only with capability.",
    ),
};

const approver = z
  .string()
  .regex(
    /^(?:role:\S.{0,98}|user:\d{17,20})$/,
    "must be role:<name or id of a role>, or user:<id of 17 to 20 digits>",
  );
const waiting = duration({ minMs: seconds(1), maxMs: days(30) });
export const gateSchema = z.strictObject({
  prompt: z.string().min(1).max(2000).optional().describe("What people are asked; may hold ${{ }}."),
  approvers: z
    .array(approver)
    .max(25)
    .default([])
    .describe('Who decides: "role:Engineering", "user:<id>". Default: people with the right operate.'),
  min: z.int().min(1).max(25).default(1).describe("So many different people must approve. Default 1."),
  prevent_self_approval: z
    .boolean()
    .default(false)
    .describe("Whoever asked for the run does not decide. Default false."),
  timeout: waiting.prefault("24h").describe("How long it waits for people. Default 24h."),
  remind_every: waiting.optional().describe("Asks again this often. Default: never."),
  on_timeout: z
    .enum(["reject", "fail", "escalate"])
    .default("reject")
    .describe("What no answer means; escalate asks escalate_to and waits once more. Default reject."),
  escalate_to: z.array(approver).max(25).default([]),
});
export type GateEntry = z.output<typeof gateSchema>;

const PLAIN_TEXT = /^(?!.*\$\{\{)\S.*$/;
const plain = (longest: number) =>
  z.string().max(longest).regex(PLAIN_TEXT, "must be plain text on one line, without ${{ }}");
const panelSchema = z.strictObject({
  proposal: z.string().min(1).max(20_000).describe("What the experts judge; may hold ${{ }}."),
  roles: z
    .array(
      z.strictObject({
        role: plain(60).describe('In which capacity, such as "security engineer". Each has another one.'),
        agent: z.string().min(1).max(40).optional().describe("Who it is: an agent's id, alias or letter."),
        capability: z.string().min(1).max(60).optional().describe("Who it is: any agent that can do this."),
      }),
    )
    .min(2)
    .max(9)
    .describe("2 to 9, each asked alone, side by side."),
  criteria: z
    .array(plain(100))
    .min(1)
    .max(12)
    .default(["feasibility", "risks", "trade-offs", "alternatives"])
    .describe("What they judge it by. Default feasibility, risks, trade-offs, alternatives."),
  quorum: z
    .int()
    .min(1)
    .max(9)
    .optional()
    .describe("So many must have voted, or the step fails. Default: more than half."),
  by: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe("The agent that writes the consensus of the votes. Default: the verdict's own words."),
});
const superviseSchema = z.strictObject({
  goal: z.string().min(1).max(20_000).describe("What is to be reached; may hold ${{ }}."),
  supervisor: z
    .string()
    .min(1)
    .max(40)
    .describe("Who leads: says in each round what is next, until it is done."),
  workers: z
    .array(z.string().min(1).max(40))
    .min(1)
    .max(10)
    .describe("Agents that get the pieces; nobody else does."),
  max_rounds: z.int().min(1).max(10).default(5).describe("It ends after so many rounds. Default 5."),
});
export type SuperviseEntry = z.output<typeof superviseSchema>;
export type PanelEntry = z.output<typeof panelSchema>;

const ids = z.union([stepId, z.array(stepId).max(MOST_NEEDS)], {
  error: "must be the ids of steps, such as [research, review]",
});
const count = z.int().min(1).max(50);

const step = z.strictObject({
  needs: ids.optional().describe("Steps that must have succeeded before."),
  depends_on: ids.optional().describe("Another word for needs."),
  if: z
    .union([z.string().min(1).max(1100), z.boolean()], { error: "must be an expression, or true or false" })
    .optional()
    .describe("Begins only when this is true. Default success()."),
  continue_on_error: z.boolean().default(false).describe("Its failure does not stop the run."),
  cleanup: z.boolean().default(false).describe("Runs last, whatever happened."),
  for_each: z.string().min(1).max(1100).optional().describe("A list: the step is done once for each item."),
  max_parallel: count.optional().describe("Items at once. Default: the limit of the run."),
  agent: z.string().min(1).max(40).optional().describe("Who does it: an agent's id, alias or letter."),
  capability: z.string().min(1).max(60).optional().describe("Who does it: any agent that can do this."),
  task: z.string().min(1).max(20_000).optional().describe("What is to be done; may hold ${{ }}."),
  channel_context: z
    .strictObject({ channel: channelName, messages: z.int().min(1).max(30).optional() })
    .optional()
    .describe("The last messages of a channel go with the task, as untrusted text."),
  ...perTask,
  expect: z
    .strictObject({ schema: pathText.describe("A file beside the workflow, such as schemas/review.json.") })
    .optional()
    .describe("The result must be JSON that fits this JSON Schema."),
  approval_gate: z
    .union([z.boolean(), gateSchema])
    .optional()
    .describe("People must approve before it begins: a step <id>-gate before this one."),
  post_hooks: z
    .array(z.enum(POST_HOOKS))
    .max(POST_HOOKS.length)
    .optional()
    .describe("What follows its end; sanity-check holds what needs it: a step <id>-check after this one."),
  approval: gateSchema.optional().describe("A step that waits for people."),
  workflow: workflowName.optional().describe("Another workflow is run as this step."),
  template: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe("Instead of task: a template that makes the prompt and says what the result looks like."),
  with: z
    .record(inputName, fieldValue)
    .optional()
    .describe("The inputs of that workflow, or the fields of the template."),
  wait: waiting.optional().describe("A step that waits so long."),
  supervise: superviseSchema.optional().describe("An agent leads workers, round by round."),
  panel: panelSchema.optional().describe("Experts are asked, and their votes make a verdict."),
});
export type StepEntry = z.output<typeof step>;

export const scheduleSchema = z.strictObject({
  cron: z.string().min(1).max(100).describe('Minute, hour, day, month, weekday: "0 7 * * mon-fri".'),
  timezone: z.string().min(1).max(60).describe("IANA name, such as Europe/Berlin."),
  overlap: z
    .enum(["skip", "queue"])
    .default("skip")
    .describe("When the run before is still open. Default skip."),
  catchup: duration({ minMs: minutes(1), maxMs: days(7) })
    .prefault("6h")
    .describe("A time missed by up to this long is made up for, once. Default 6h."),
  inputs: z.record(inputName, inputValue).default({}),
});

/** workflows/<name>.yaml: who does what, in which order, and who must agree. */
export const workflowSchema = z.strictObject({
  name: workflowName.describe("The name of the file."),
  description: z.string().max(300).default("").describe("One line for people."),
  inputs: z.record(inputName, input).default({}),
  defaults: z
    .strictObject(perTask)
    .default({})
    .describe("What holds for every task that does not say otherwise."),
  limits: z
    .strictObject({
      max_parallel: count.default(4).describe("Agents and nested workflows at once. Default 4."),
      timeout: duration({ minMs: seconds(1), maxMs: days(30) })
        .prefault("48h")
        .describe("The whole run. Default 48h."),
      max_failures: z
        .int()
        .min(1)
        .max(1000)
        .default(3)
        .describe("So many failed steps and items stop new ones, and people are asked. Default 3."),
    })
    .prefault({}),
  on: z
    .strictObject({
      schedule: z.array(scheduleSchema).max(20).default([]),
    })
    .prefault({}),
  steps: z.record(stepId, step),
  output: z
    .strictObject({
      step: stepId.describe("Whose result is the run's."),
      channel: channelName.optional().describe("Where it is posted. Default: the results channel."),
    })
    .optional(),
});
export type WorkflowFile = z.output<typeof workflowSchema>;
