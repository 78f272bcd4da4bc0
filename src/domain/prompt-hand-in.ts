import type { PromptInput } from "./prompt.ts";

/** The last section of a prompt: where the result goes, and in what form. */
export function handInLines({ order, attempt, handoff }: PromptInput): readonly string[] {
  const example = {
    schemaVersion: "1.0",
    runId: order.id,
    // As it was asked for: it may be called otherwise by now, and again by the time that it hands in.
    agent: order.agent,
    status: "complete",
    result:
      order.format === "text"
        ? "TASK: what you were asked, in a line\nSTATUS: complete\nRESULT: the whole answer, over as many lines as it needs\nCONFIDENCE: high\nNOTES: sources, assumptions, what is left open"
        : "The whole answer, so that it can be read without anything else.",
    artifacts: [],
    confidence: "high",
    notes: "Sources, assumptions, what is left open.",
    timestamp: "2026-01-31T12:00:00Z",
  };
  const form = order.format === "text" ? textForm : [];
  return [
    ...(handoff.via === "file"
      ? byFile(handoff.path)
      : byRest(handoff, attempt, attempt >= order.maxAttempts)),
    "",
    "```json",
    JSON.stringify(example, undefined, 2),
    "```",
    "",
    `- \`schemaVersion\`, \`runId\` and \`agent\` stay exactly as they stand above.`,
    "- `status`: `complete` = all of it is done; `partial` = a useful part is done, `notes` says what is missing; `blocked` = it cannot be done, `result` says why; `failed` = you tried and it went wrong, `result` says how.",
    `- \`result\`: text, never empty. \`artifacts\`: ${handoff.via === "file" ? "absolute paths or links of files you made" : "names of files you sent, or links"}, each a string.`,
    "- `confidence`: `high`, `medium` or `low`. `notes`: text. `timestamp`: when you finished, ISO 8601.",
    "- If you know it, add `usage`: `inputTokens`, `outputTokens` and `usd`, each a number; leave out what you do not know.",
    ...(order.validate
      ? ["- Every field of the example is required: a missing one counts as a failed attempt."]
      : []),
    ...expected(order),
    ...form,
  ];
}

function expected({ expect }: PromptInput["order"]): readonly string[] {
  if (!expect) return [];
  return [
    "- `result` holds one JSON value, written as text and nothing around it, that fits this JSON Schema; another step computes with it:",
    "```json",
    JSON.stringify(expect.schema, undefined, 2),
    "```",
  ];
}

const textForm: readonly string[] = [
  "- `result` holds a block of text in the form shown: the lines TASK, STATUS, RESULT, CONFIDENCE and NOTES, in this order, with the same status and confidence as outside it.",
];

function byFile(path: string): readonly string[] {
  return [
    "When you are done, write your handoff, one JSON object in UTF-8, to exactly this file:",
    "",
    path,
    "",
    `Write it to a temporary name in the same folder first (${path}.tmp), then rename it, so that nobody reads half of it:`,
    `mv ${quoted(`${path}.tmp`)} ${quoted(path)}`,
    "If one of your tools may not write there, use another one (a shell here-document, for instance). Create the folder if it is missing. Write nothing else there.",
    "",
    "It looks like this:",
  ];
}

function byRest(
  handoff: { readonly url: string; readonly token: string },
  attempt: number,
  isLast: boolean,
): readonly string[] {
  return [
    "When you are done, post your handoff, one JSON object in UTF-8, to this address:",
    "",
    `POST ${handoff.url}`,
    `Authorization: Bearer ${handoff.token}`,
    "Content-Type: application/json",
    "",
    isLast
      ? "The answer 200 means that it arrived. This is the last attempt: check your handoff before you post it. An answer that lists `problems` means that it was read and refused: the work has failed then, and nothing that you post later counts. 409 means that it was over before. Any other answer took nothing: mend what it names and post it again."
      : `The answer 200 means that it arrived. Any other answer says what to mend; post it again then, within attempt ${attempt}.`,
    "",
    "Files that belong to it you send before it, each under a name of its own, with the same token:",
    "",
    `curl -sS -T <file> -H 'Authorization: Bearer ${handoff.token}' '${handoff.url}/artifacts/<name>'`,
    "",
    "201 means that it is kept, and so does 200; it is listed in your handoff by itself. A file cannot be replaced, and after the handoff none is taken.",
    "",
    "It looks like this:",
  ];
}

/** As a shell reads it literally. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
