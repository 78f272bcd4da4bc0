import { ButtonStyle, ComponentType } from "discord.js";
import type { DelegationView } from "../domain/view.ts";
import { cut } from "../kernel/text.ts";
import { customId } from "./custom-id.ts";
import { LIMITS } from "./limits.ts";
import { headline, LOOKS, usageText } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Attachment, type Payload, shownFiles, text } from "./payload.ts";
import { detailsButton } from "./render-card.ts";
import { asCode, asLine, asMarkdown } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

/** Results up to this length are shown whole; longer ones as a summary and a file. */
const WHOLE_CHARS = 1800;
const SUMMARY_CHARS = 1200;
const MOST_PROBLEMS = 10;
const MOST_NAMES = 10;

/** The result of a delegation: one message, and more of them only when there are more files than one can carry. */
export function renderResult(
  delivery: string,
  view: DelegationView,
  attached: readonly Attachment[],
): readonly Payload[] {
  const result = resultText(view);
  const file = result.isLong ? [bytesOf("result.md", view.handoff?.result ?? "")] : [];
  const { loads, left } = loadsOf([...file, ...uniqueNames(attached, file)]);
  return loads.map((files, part) => {
    const first = part === 0;
    const body = first
      ? [`### ${headline(view)}`, result.text].filter(Boolean).join("\n")
      : `### ${view.agent} · more files`;
    const small = first ? smallPrint(view, attached, left) : [];
    const footer = `asked by ${asLine(view.asker)} · ${markOf(delivery, part)}`;
    return {
      components: [
        {
          type: ComponentType.Container,
          accent_color: LOOKS[view.status].colour,
          components: [
            text(body),
            text([...small, footer].map((line) => `-# ${line}`).join("\n")),
            ...shownFiles(files),
            ...(first ? [buttons(view)] : []),
          ],
        },
      ],
      files,
    };
  });
}

function resultText(view: DelegationView): { readonly text: string; readonly isLong: boolean } {
  const whole = asMarkdown(view.handoff?.result ?? "");
  const isLong = whole.length > WHOLE_CHARS;
  const shown = isLong
    ? `${leadingText(whole, SUMMARY_CHARS).text}\n-# the whole text is in result.md`
    : whole;
  const reason = view.reason ? [`**${cut(asLine(view.reason), 500)}**`] : [];
  const problems = view.status === "succeeded" ? [] : problemLines(view);
  return { text: [...reason, ...problems, shown].filter(Boolean).join("\n"), isLong };
}

function problemLines(view: DelegationView): readonly string[] {
  const lines = view.problems
    .slice(0, MOST_PROBLEMS)
    .map(({ path, message }) => `- ${path ? `${asCode(cut(path, 60))}: ` : ""}${cut(asLine(message), 120)}`);
  const more = view.problems.length - lines.length;
  return more > 0 ? [...lines, `- and ${more} more`] : lines;
}

function smallPrint(
  view: DelegationView,
  attached: readonly Attachment[],
  left: readonly Attachment[],
): readonly string[] {
  const handoff = view.handoff;
  const facts = [
    ...(handoff?.confidence ? [`confidence ${handoff.confidence}`] : []),
    ...(view.reroutes ? [`rerouted from ${view.reroutes.map(({ from }) => from).join(", ")}`] : []),
    ...(view.attempt > 1 ? [`attempt ${view.attempt} of ${view.maxAttempts}`] : []),
    ...(usageText(view) ? [usageText(view)] : []),
    ...(handoff?.notes ? [cut(asLine(handoff.notes), 400)] : []),
  ];
  const shown = new Set(attached.map(({ name }) => name));
  const named = (handoff?.artifacts ?? []).filter((path) => !shown.has(path.split("/").at(-1) ?? ""));
  const names = [...named, ...left.map(({ name }) => name)];
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  const remarks = handoff?.remarks ?? [];
  return [
    ...(facts.length > 0 ? [facts.join(" · ")] : []),
    ...(names.length > 0
      ? [
          `artifacts: ${names
            .slice(0, MOST_NAMES)
            .map((name) => asCode(cut(name, 100)))
            .join(", ")}${rest}`,
        ]
      : []),
    ...(remarks.length > 0 ? [`noted: ${cut(asLine(remarks.join("; ")), 300)}`] : []),
  ];
}

export function bytesOf(name: string, content: string): Attachment {
  return { name, bytes: Buffer.from(content, "utf8") };
}

/** Two files of one name in a message would show the same one twice. */
export function uniqueNames(
  files: readonly Attachment[],
  taken: readonly Attachment[],
): readonly Attachment[] {
  const names = new Set(taken.map(({ name }) => name));
  return files.map(({ name, bytes }) => {
    const safe = name.replace(/[^\w.-]+/g, "_").slice(-80) || "file";
    let unique = safe;
    for (let n = 2; names.has(unique); n++) unique = `${n}-${safe}`;
    names.add(unique);
    return { name: unique, bytes };
  });
}

/** Files by message, at most ten and 24 MiB each; those that fit nowhere are `left`. */
export function loadsOf(files: readonly Attachment[]) {
  const loads: Attachment[][] = [[]];
  const left: Attachment[] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.bytes.byteLength > LIMITS.fileBytes) {
      left.push(file);
      continue;
    }
    const load = loads.at(-1) ?? [];
    bytes += file.bytes.byteLength;
    if (load.length < LIMITS.files && bytes <= LIMITS.requestBytes - 1024 * 1024) {
      load.push(file);
      continue;
    }
    loads.push([file]);
    bytes = file.bytes.byteLength;
  }
  return { loads, left };
}

function buttons({ id: run, handoff }: DelegationView) {
  const isSomething = Boolean(handoff?.result.trim());
  return {
    type: ComponentType.ActionRow as const,
    components: [
      {
        type: ComponentType.Button as const,
        style: ButtonStyle.Primary as const,
        label: "Run again",
        custom_id: customId("again", run),
      },
      ...(isSomething
        ? [
            {
              type: ComponentType.Button as const,
              style: ButtonStyle.Secondary as const,
              label: "Delegate on…",
              custom_id: customId("on", run),
            },
          ]
        : []),
      detailsButton(run),
    ],
  };
}
