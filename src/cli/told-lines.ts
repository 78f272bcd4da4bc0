import { isRefusal, REFUSALS, Refusal, type RefusalCode } from "../kernel/refusal.ts";
import { type Call, type Client, cutOff, SupervisorBroke } from "./client.ts";
import type { Io } from "./io.ts";

type Line<T> = {
  readonly progress?: string;
  readonly report?: T;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
};

/** A long job of the supervisor: how far it is goes to stderr on a terminal, what it came to is returned. */
export async function reportOf<T>(io: Io, client: Client, call: Call): Promise<T> {
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of await client.open(call, leaving.signal)) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { progress, report, error } = JSON.parse(line) as Line<T>;
        if (progress !== undefined && io.isErrTerminal) io.err(`\r\u001b[K${progress}`);
        if (progress === undefined && io.isErrTerminal) io.err("\r\u001b[K");
        if (error) throw refusalFrom(error);
        if (report !== undefined) return report;
      }
    }
    throw cutOff();
  } catch (error) {
    if (leaving.signal.aborted && !isRefusal(error)) {
      throw new Refusal("timed_out", "Interrupted before there was an answer.", { cause: error });
    }
    throw error;
  } finally {
    stopListening();
  }
}

function refusalFrom({ code, message, hint }: NonNullable<Line<never>["error"]>): Error {
  if (!Object.hasOwn(REFUSALS, code)) return new SupervisorBroke(message);
  return new Refusal(code as RefusalCode, message, hint === undefined ? {} : { hint });
}
