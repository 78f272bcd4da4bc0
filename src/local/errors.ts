/** What Discord answers when it says no: `[HTTP status, text]` by its code. */
const CODES = {
  0: [401, "401: Unauthorized"],
  10002: [404, "Unknown Application"],
  10003: [404, "Unknown Channel"],
  10004: [404, "Unknown Guild"],
  10007: [404, "Unknown Member"],
  10008: [404, "Unknown Message"],
  10013: [404, "Unknown User"],
  10014: [400, "Unknown Emoji"],
  10015: [404, "Unknown Webhook"],
  10062: [404, "Unknown interaction"],
  10063: [404, "Unknown application command"],
  30046: [429, "Maximum number of edits to messages older than 1 hour reached. Try again later."],
  40005: [413, "Request entity too large"],
  40060: [400, "Interaction has already been acknowledged."],
  50001: [403, "Missing Access"],
  50005: [403, "Cannot edit a message authored by another user"],
  50006: [400, "Cannot send an empty message"],
  50013: [403, "Missing Permissions"],
  50024: [403, "Cannot execute action on this channel type"],
  50027: [401, "Invalid Webhook Token"],
  50035: [400, "Invalid Form Body"],
  50083: [400, "Thread is archived"],
  50109: [400, "The request body contains invalid JSON."],
  160004: [400, "A thread has already been created for this message"],
} as const satisfies Record<number, readonly [status: number, text: string]>;

export type DiscordCode = keyof typeof CODES;

/** One place of a body that is wrong: the path (`components.0.custom_id`), Discord's word for it, a sentence. */
export type FormProblem = { readonly path: string; readonly code: string; readonly message: string };

/** A refusal in Discord's words; the REST side answers it as `{code, message, errors?}`. */
export class DiscordError extends Error {
  readonly code: DiscordCode;
  readonly status: number;
  readonly problems: readonly FormProblem[];
  readonly retryAfterMs: number | undefined;

  constructor(
    code: DiscordCode,
    {
      problems = [],
      retryAfterMs,
    }: { readonly problems?: readonly FormProblem[]; readonly retryAfterMs?: number } = {},
  ) {
    super(CODES[code][1]);
    this.name = "DiscordError";
    this.code = code;
    this.status = CODES[code][0];
    this.problems = problems;
    this.retryAfterMs = retryAfterMs;
  }
}

export function invalidForm(problems: readonly FormProblem[]): DiscordError {
  return new DiscordError(50035, { problems });
}

/** `{code, message, errors: {a: {0: {_errors: [{code, message}]}}}}` */
export function discordErrorBody(error: DiscordError): Record<string, unknown> {
  const body: Record<string, unknown> = { message: error.message, code: error.code };
  if (error.retryAfterMs !== undefined) {
    return { ...body, retry_after: error.retryAfterMs / 1000, global: false };
  }
  if (error.problems.length === 0) return body;
  const errors: Record<string, unknown> = {};
  for (const { path, code, message } of error.problems) {
    let node = errors;
    for (const key of path.split(".").filter(Boolean)) {
      node[key] ??= {};
      node = node[key] as Record<string, unknown>;
    }
    node["_errors"] = [...((node["_errors"] as unknown[] | undefined) ?? []), { code, message }];
  }
  return { ...body, errors };
}
