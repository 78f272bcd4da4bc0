import { ComponentType } from "discord.js";
import type { WorkerStatus, WorkerView } from "../domain/worker-view.ts";
import { cut } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { AMBER, BLUE, GREEN, GREY, type Look, RED } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Attachment, type Payload, shownFiles, text } from "./payload.ts";
import { bytesOf } from "./render-result.ts";
import { modelName, taskButtons } from "./render-task.ts";
import { asCode, asLine, asMarkdown, inFence, plain } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

const PROMPT_CHARS = 500;
const FAILED_PROMPT_CHARS = 300;
const SUMMARY_CHARS = 800;
const WHOLE_CHARS = 1800;
const NOTICE_CHARS = 60;
const MOST_NAMES = 20;

const WORKER_LOOKS: Readonly<Record<WorkerStatus, Look>> = {
  queued: { symbol: "⚪", colour: GREY, word: "queued" },
  running: { symbol: "🔵", colour: BLUE, word: "running" },
  succeeded: { symbol: "✅", colour: GREEN, word: "done" },
  failed: { symbol: "❌", colour: RED, word: "failed" },
  timed_out: { symbol: "⌛", colour: RED, word: "timed out" },
  canceled: { symbol: "🚫", colour: GREY, word: "canceled" },
  lost: { symbol: "❌", colour: AMBER, word: "lost" },
};

export function workerLook({ status }: Pick<WorkerView, "status">): Look {
  return WORKER_LOOKS[status];
}

/** `worker · kimi-k2.5 · done in 4m 12s`. */
export function workerHeadline(view: WorkerView): string {
  const who = `worker · ${asLine(modelName(view.model))}`;
  const { word } = workerLook(view);
  if (view.settledAt === undefined) return `${who} · ${word}`;
  const took = formatDuration(view.settledAt - (view.begunAt ?? view.queuedAt));
  return `${who} · ${word} ${view.status === "succeeded" ? "in" : "after"} ${took}`;
}

/** `Tokens: 1234 in / 567 out | Cost: $0.001831`; what is not known is n/a, never 0. */
export function usageLine({ usage }: Pick<WorkerView, "usage">): string {
  if (!usage) return "Tokens: n/a | Cost: n/a";
  const cost = usage.usd === undefined ? "n/a" : `$${usage.usd.toFixed(6)}`;
  return `Tokens: ${usage.inputTokens} in / ${usage.outputTokens} out | Cost: ${cost}`;
}

function modelLine(view: WorkerView): string {
  return `Model: ${view.model} | Thinking: ${view.thinking} | ${usageLine(view)}`;
}

/** A notice for #worker-pool: a worker begins. */
export function renderSpawned(delivery: string, view: WorkerView): Payload {
  return {
    content: [
      "🤖 **AGENT SPAWNED**",
      `Task: ${cut(asLine(view.objective), NOTICE_CHARS)}`,
      `Agent: ${asCode(view.agent)}`,
      `Worker: ${asCode(view.worker)} · ${asCode(view.model)} · thinking ${view.thinking}`,
      `-# ${asLine(view.task)} · ${markOf(delivery, 0)}`,
    ].join("\n"),
    files: [],
  };
}

/** A notice for #worker-pool: no process of the worker is left. */
export function renderFinished(delivery: string, view: WorkerView): Payload {
  return { content: `${finishedLine(view)}\n-# ${asLine(view.task)} · ${markOf(delivery, 0)}`, files: [] };
}

/** One line of many, for a batch. */
export function spawnedLine(view: WorkerView): string {
  return `🤖 Agent ${asCode(view.agent)} · ${cut(asLine(view.objective), NOTICE_CHARS)}`;
}

export function finishedLine(view: WorkerView): string {
  const { symbol, word } = workerLook(view);
  const how = view.status === "succeeded" ? "" : `: ${word}`;
  const reason = view.reason && view.status !== "succeeded" ? `, ${cut(asLine(view.reason), 160)}` : "";
  return `${symbol} Agent ${asCode(view.agent)} finished${how}${reason}`;
}

/** The result of a worker: what it was told, by whom it was done, what came of it, and where all of it lies. */
export function renderWorkerResult(delivery: string, view: WorkerView): Payload {
  const isDone = view.status === "succeeded";
  const files = resultFiles(view);
  const body = [
    `### ${workerHeadline(view)}`,
    `**[${isDone ? "SUCCESS" : "FAILED"}]** ${asCode(view.task)} by ${asCode(view.agent)}${againText(view)}`,
    modelLine(view).split(" | ").map(asLine).join(" | "),
    "**Task Prompt:**",
    fence(cut(plain(view.objective), isDone ? PROMPT_CHARS : FAILED_PROMPT_CHARS)),
    ...(isDone ? summaryLines(view) : failureLines(view)),
  ].join("\n");
  const small = [
    ...(view.files.length > 0 ? [`Files: ${fileNames(view.files)}`] : []),
    ...(view.folder === undefined ? [] : [`Workspace: ${asCode(cut(view.folder, 300))}`]),
    `asked by ${cut(asLine(view.asker), 80)} · ${markOf(delivery, 0)}`,
  ];
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: workerLook(view).colour,
        components: [
          text(body),
          ...shownFiles(files),
          text(small.map((line) => `-# ${line}`).join("\n")),
          taskButtons({ id: view.task, status: isDone ? "done" : "failed" }),
        ],
      },
    ],
    files,
  };
}

const againText = ({ again }: WorkerView) => (again ? " (second process: the first one was lost)" : "");

function summaryLines(view: WorkerView): readonly string[] {
  const told = view.summary?.trim() || view.result?.trim() || "";
  const isResult = !view.summary?.trim();
  const room = isResult && told.length <= WHOLE_CHARS ? WHOLE_CHARS : SUMMARY_CHARS;
  return ["**Summary:**", leadingText(asMarkdown(told), room).text || "(it says nothing)"];
}

function failureLines(view: WorkerView): readonly string[] {
  const reason = view.reason ? cut(asLine(view.reason), 500) : "No result produced";
  const told = view.result?.trim() || view.summary?.trim();
  return [
    `**❌ ${reason}**`,
    ...(told ? ["What it had written:", leadingText(asMarkdown(told), SUMMARY_CHARS).text] : []),
  ];
}

/** The whole result as a file, when the message does not show all of it. */
function resultFiles(view: WorkerView): readonly Attachment[] {
  const result = view.result?.trim() ?? "";
  if (result === "") return [];
  const isShown = !view.summary?.trim() && result.length <= WHOLE_CHARS && view.status === "succeeded";
  return isShown ? [] : [bytesOf("RESULT.txt", result)];
}

function fileNames(files: readonly string[]): string {
  const more = files.length - MOST_NAMES;
  const names = files.slice(0, MOST_NAMES).map((name) => asCode(cut(name, 60)));
  return `${cut(names.join(", "), 700)}${more > 0 ? ` and ${more} more` : ""}`;
}

/** The text of a person or agent in a block of ours that it cannot end. */
function fence(words: string): string {
  return `\`\`\`\n${inFence(words) || " "}\n\`\`\``;
}

/** Everything of a worker's result as Markdown, for a file of many. */
export function workerReport(view: WorkerView): string {
  return [
    `## ${workerHeadline(view)}`,
    "",
    `[${view.status === "succeeded" ? "SUCCESS" : "FAILED"}] ${view.task} by ${view.agent}${againText(view)}`,
    modelLine(view),
    "",
    `> ${plain(view.objective).replaceAll("\n", "\n> ")}`,
    "",
    ...(view.reason && view.status !== "succeeded" ? [plain(view.reason), ""] : []),
    plain(view.result ?? view.summary ?? ""),
    ...(view.files.length > 0 ? ["", `Files: ${view.files.join(", ")}`] : []),
    ...(view.folder === undefined ? [] : [`Workspace: ${view.folder}`]),
  ].join("\n");
}
