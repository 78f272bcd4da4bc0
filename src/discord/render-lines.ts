import { ComponentType } from "discord.js";
import { cut } from "../kernel/text.ts";
import type { Glance } from "./glance.ts";
import { LIMITS } from "./limits.ts";
import { GREY, LOOKS, STATUS_ORDER } from "./look.ts";
import { markOf } from "./marks.ts";
import { type Payload, shownFiles, text } from "./payload.ts";
import { bytesOf } from "./render-result.ts";
import { asLine, asMarkdown, plain } from "./sanitize.ts";
import { splitText } from "./split-text.ts";

/** One line for #agent-logs, ended by the delivery's id. */
function logLine(delivery: string, glance: Glance): string {
  const reason = glance.reason ? ` — ${cut(asLine(glance.reason), 160)}` : "";
  const what = cut(asLine(glance.what), 120);
  return `${glance.symbol} **${glance.headline}** · ${what}${reason} · ${asLine(glance.asker)} · \`${delivery}\``;
}

export function renderLog(delivery: string, glance: Glance): Payload {
  return { content: logLine(delivery, glance), files: [] };
}

/** Our own words to people, in as many messages as it takes. */
export function renderNotice(delivery: string, words: string): readonly Payload[] {
  const parts = splitText(asMarkdown(words), LIMITS.contentChars - 120);
  const all = parts.length > 0 ? parts : ["(nothing was said)"];
  return all.map((part, n) => ({ content: `${part}\n-# ${markOf(delivery, n)}`, files: [] }));
}

/** What a batch says, agreed and kept before its first POST. */
export type BatchBody = {
  readonly text: string;
  readonly file?: { readonly name: string; readonly text: string };
};

export type BatchMember = { readonly delivery: string; readonly glance: Glance };

/** Many results at once: how many of each, the first ten in a line each, all of them in a file. */
export function composeResults(members: readonly BatchMember[]): BatchBody {
  const counts = STATUS_ORDER.map((status) => ({
    word: LOOKS[status].word,
    count: members.filter(({ glance }) => glance.status === status).length,
  })).filter(({ count }) => count > 0);
  const lines = members.slice(0, 10).map(({ glance }) => {
    const said = asLine(glance.said || (glance.reason ?? ""));
    return `${glance.symbol} **${glance.headline}** · ${cut(asLine(glance.what), 80)}${said ? ` → ${cut(said, 100)}` : ""}`;
  });
  const more = members.length - lines.length;
  return {
    text: [
      `### ${members.length} results · ${counts.map(({ word, count }) => `${count} ${word}`).join(" · ")}`,
      ...lines,
      `-# ${more > 0 ? `and ${more} more; ` : ""}all of them are in results.md`,
    ].join("\n"),
    file: { name: "results.md", text: members.map(({ glance }) => glance.report()).join("\n\n---\n\n") },
  };
}

/** Many log lines at once: as they are while they fit, the rest in a file. */
export function composeLog(members: readonly BatchMember[]): BatchBody {
  return composeLines(
    members.map(({ delivery, glance }) => logLine(delivery, glance)),
    "agent-logs.md",
  );
}

/** Many notices of workers at once, a line each. */
export function composeNotices(kind: "spawned" | "finished", members: readonly BatchMember[]): BatchBody {
  const lines = members.map(({ glance }) => glance.notices?.[kind] ?? glance.headline);
  return composeLines(lines, `${kind}.md`);
}

function composeLines(lines: readonly string[], file: string): BatchBody {
  const room = LIMITS.contentChars - 160;
  const fitting: string[] = [];
  let used = 0;
  for (const line of lines) {
    if (used + line.length + 1 > room) break;
    used += line.length + 1;
    fitting.push(line);
  }
  const more = lines.length - fitting.length;
  if (more === 0) return { text: fitting.join("\n") };
  return {
    text: [...fitting, `-# and ${more} more in ${file}`].join("\n"),
    file: { name: file, text: `${lines.join("\n")}\n` },
  };
}

/** A batch as a message; the log's batches are plain lines, results stand in a frame. */
export function renderBatch(delivery: string, body: BatchBody): Payload {
  const footer = `-# ${markOf(delivery, 0)}`;
  const files = body.file ? [bytesOf(body.file.name, body.file.text)] : [];
  if (!body.text.startsWith("### ")) return { content: `${body.text}\n${footer}`, files };
  return {
    components: [
      {
        type: ComponentType.Container,
        accent_color: GREY,
        components: [text(`${body.text}\n${footer}`), ...shownFiles(files)],
      },
    ],
    files,
  };
}

/** Where all of a message stands that Discord refused. */
export const WHOLE_FILE = "message.md";

/** What is said when Discord refuses the designed message: nothing of it is lost, it is in the file. */
export function renderSafely(delivery: string, part: number, refused: Payload, whole: string): Payload {
  const [headlineText = "A message"] = plain(whole).split("\n");
  const words = cut(asLine(headlineText.replace(/^#+\s*/, "")), 300);
  return {
    content: `${words}\n-# Discord did not take the full message; it is attached.\n-# ${markOf(delivery, part)}`,
    files: [bytesOf(WHOLE_FILE, whole), ...refused.files.slice(0, LIMITS.files - 1)],
  };
}
