import { ComponentType } from "discord.js";
import type { RunView, StepView } from "../domain/run-view.ts";
import { cut } from "../kernel/text.ts";
import { runHeadline, runLook } from "./look-run.ts";
import { markOf } from "./marks.ts";
import { type Attachment, type Payload, shownFiles, text } from "./payload.ts";
import { bytesOf, loadsOf, uniqueNames } from "./render-result.ts";
import { endedButtons } from "./render-run-card.ts";
import { runReport, wholeResult } from "./run-report.ts";
import { asCode, asLine, asMarkdown, inFence } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

const WHOLE_CHARS = 1800;
const SUMMARY_CHARS = 1200;
const MOST_MISSING = 8;
const MOST_NAMES = 8;
const FACTS_CHARS = 500;

/** What a run came to: summary, what is missing, how sure each step was; everything in the attached file. */
export function renderRunResult(
  delivery: string,
  view: RunView,
  attached: readonly Attachment[],
): readonly Payload[] {
  const { shown, isLong } = summary(view);
  const report = isLong || view.steps.length > 1 ? [bytesOf(`${view.workflow}.md`, runReport(view))] : [];
  const { loads, left } = loadsOf([...report, ...uniqueNames(attached, report)]);
  const hasFailed = view.steps.some(({ status, items }) => status === "failed" || (items?.failed ?? 0) > 0);
  return loads.map((files, part) => {
    const first = part === 0;
    const headline = first ? runHeadline(view) : `${view.workflow} · more files`;
    const body = [
      `### ${cut(headline, 200)}`,
      ...(first && view.reason ? [`**${cut(asLine(view.reason), 400)}**`] : []),
      ...(first ? [...missingLines(view.missing), shown] : []),
    ];
    const footer = `asked by ${cut(asLine(view.asker), 80)} · ${markOf(delivery, part)}`;
    const small = first ? [...facts(view.steps), ...leftOut(left)] : [];
    return {
      components: [
        {
          type: ComponentType.Container,
          accent_color: runLook(view).colour,
          components: [
            text(body.filter(Boolean).join("\n")),
            text([...small, footer].map((line) => `-# ${line}`).join("\n")),
            ...shownFiles(files),
            ...(first
              ? [
                  {
                    type: ComponentType.ActionRow as const,
                    components: endedButtons(view, hasFailed),
                  },
                ]
              : []),
          ],
        },
      ],
      files,
    };
  });
}

function summary(view: RunView): { readonly shown: string; readonly isLong: boolean } {
  const { text: whole, isJson } = wholeResult(view);
  const room = isJson ? inFence(whole) : asMarkdown(whole);
  const isLong = room.length > WHOLE_CHARS;
  const fence = (inside: string) => (isJson ? `\`\`\`json\n${inside}\n\`\`\`` : inside);
  if (!isLong) return { shown: room ? fence(room) : "", isLong };
  const lead = isJson ? `${room.slice(0, SUMMARY_CHARS)}\n…` : leadingText(room, SUMMARY_CHARS).text;
  return { shown: `${fence(lead)}\n-# the whole text is in ${view.workflow}.md`, isLong };
}

function missingLines(missing: readonly string[]): readonly string[] {
  const lines = missing.slice(0, MOST_MISSING).map((one) => `- ${cut(asLine(one), 120)}`);
  const more = missing.length - lines.length;
  if (lines.length === 0) return [];
  return ["Missing:", ...lines, ...(more > 0 ? [`- and ${more} more`] : [])];
}

/** `research high · evaluate medium`, as far as there is room. */
function facts(steps: readonly StepView[]): readonly string[] {
  const sure = steps.flatMap(({ id, confidence }) => (confidence ? [`${id} ${asLine(confidence)}`] : []));
  return sure.length > 0 ? [cut(`confidence: ${sure.join(" · ")}`, FACTS_CHARS)] : [];
}

function leftOut(left: readonly Attachment[]): readonly string[] {
  if (left.length === 0) return [];
  const names = left.slice(0, MOST_NAMES).map(({ name }) => asCode(cut(name, 80)));
  const more = left.length - names.length;
  return [`too large to attach: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`];
}
