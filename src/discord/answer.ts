import { type APIMessageTopLevelComponent, ComponentType } from "discord.js";
import { Refusal } from "../kernel/refusal.ts";
import { cut } from "../kernel/text.ts";
import type { Answer } from "./command.ts";
import { inDiscordWords } from "./in-discord-words.ts";
import { LIMITS } from "./limits.ts";
import type { Attachment, Payload } from "./payload.ts";
import { bytesOf } from "./render-result.ts";
import { asMarkdown } from "./sanitize.ts";
import { leadingText } from "./split-text.ts";

/** A refusal in words: what is wrong, and what to do next. */
export function refused(refusal: Refusal): Answer {
  const hint = refusal.hint ? `\n→ ${asMarkdown(inDiscordWords(refusal.hint))}` : "";
  return { text: `⚠️ ${asMarkdown(refusal.message)}${hint}`, outcome: `refused: ${refusal.code}` };
}

export function broken(id: string): Answer {
  return {
    text: `⚠️ Something went wrong on our side; the log has it under \`${id}\`.\n→ Try again; if it happens twice, show the operator this line.`,
    outcome: "error",
  };
}

export function withoutSecrets(answer: Answer, redact: (text: string) => string): Answer {
  const { text, file } = answer;
  return { ...answer, text: redact(text), ...(file ? { file: fileWithoutSecrets(file, redact) } : {}) };
}

/** What is no text, as the picture of metrics, stays as it is. */
function fileWithoutSecrets(file: Attachment, redact: (text: string) => string): Attachment {
  const whole = Buffer.from(file.bytes).toString("utf8");
  return Buffer.from(whole).equals(file.bytes) ? { ...file, bytes: Buffer.from(redact(whole)) } : file;
}

/** What only the asker sees; text that is too long is cut and attached whole. */
export function answerPayload(answer: Answer): Payload {
  const { text, isCut } = leadingText(answer.text, LIMITS.contentChars - 60);
  const files = [
    ...(isCut ? [bytesOf("answer.md", answer.text)] : []),
    ...(answer.file ? [answer.file] : []),
  ];
  return {
    content: isCut ? `${text}\n-# the whole answer is attached` : text,
    components: answer.components ?? [],
    files,
  };
}

/** The same for everybody in the channel, when the asker's own answer can no longer be reached. */
export function publicPayload(name: string, answer: Answer, mark: string): Payload {
  const { content = "", files, components = [] } = answerPayload(answer);
  const words = components.some(isSelect) ? "The supervisor restarted; please ask once more." : content;
  // Buttons still work here: what they lead to is asked of the person who began it.
  const buttons = components.filter((row) => !isSelect(row));
  return {
    content: `${cut(`**${name}** asked: ${words}`, LIMITS.contentChars - 100)}\n-# ${mark}`,
    ...(buttons.length > 0 ? { components: buttons } : {}),
    files,
  };
}

function isSelect(row: APIMessageTopLevelComponent): boolean {
  return (
    row.type === ComponentType.ActionRow && row.components.some(({ type }) => type !== ComponentType.Button)
  );
}
