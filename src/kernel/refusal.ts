/**
 * Why the system says no. One table: edges map a code to words, an HTTP status and an exit code.
 * `[HTTP status, exit code, title]`; exit codes are those of the command line (0 ok, 1 failed, 2 usage,
 * 3 refused, 4 timeout, 5 nobody reachable).
 */
export const REFUSALS = {
  invalid_input: [400, 2, "The input is not valid"],
  unknown_agent: [404, 2, "There is no such agent"],
  unknown_channel: [404, 2, "There is no such channel"],
  not_found: [404, 2, "There is no such thing here"],
  too_large: [413, 2, "That is too large"],
  key_reused: [409, 2, "That key was used for something else"],
  already_settled: [409, 3, "It is already settled"],
  handoff_changed: [409, 2, "Another handoff was already accepted"],
  unauthenticated: [401, 3, "Who are you?"],
  not_allowed: [403, 3, "That is not allowed"],
  foreign_origin: [403, 3, "Requests from other web pages are refused"],
  unsupported_media_type: [415, 2, "Only application/json is read"],
  guard_depth: [403, 3, "The chain of delegations is too deep"],
  guard_cycle: [403, 3, "The chain of delegations goes in a circle"],
  guard_deadline: [403, 3, "The child would outlive its parent"],
  agent_down: [503, 5, "The agent does not answer"],
  session_exists: [409, 2, "There is such a session already"],
  session_busy: [409, 3, "An earlier turn of the session still runs"],
  session_closed: [409, 3, "The session is closed"],
  batch_stopped: [409, 3, "The batch is stopped"],
  base_changed: [409, 3, "The file was changed meanwhile"],
  retries_used: [409, 3, "It was tried often enough"],
  agent_draining: [503, 5, "The agent takes no new work"],
  agent_unauthorized: [503, 5, "The agent refuses our token"],
  no_supervisor: [503, 5, "No supervisor is running"],
  no_discord: [503, 5, "Discord is not connected"],
  rate_limited: [429, 3, "Too many requests"],
  timed_out: [504, 4, "It took too long"],
  locked: [409, 3, "Another supervisor holds this folder"],
  held: [409, 3, "All work was stopped"],
  ledger_trouble: [503, 1, "The ledger cannot be used"],
  stopping: [503, 5, "The supervisor is stopping"],
} as const satisfies Record<string, readonly [status: number, exit: number, title: string]>;

export type RefusalCode = keyof typeof REFUSALS;

/** One reason why a document is not acceptable: where, and what to do. `path` is dotted, "" for the whole. */
export type Problem = { readonly path: string; readonly message: string };

/** An expected no, with what to do next in `hint`. Anything else that is thrown is a bug or a broken machine. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];
  /** The one of several agents that it is about, by the word by which it was asked for. */
  readonly instance: string | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    more: { hint?: string; problems?: readonly Problem[]; instance?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "Refusal";
    this.code = code;
    this.hint = more.hint;
    this.problems = more.problems ?? [];
    this.instance = more.instance;
  }
}

export function isRefusal(thrown: unknown): thrown is Refusal {
  return thrown instanceof Refusal;
}
