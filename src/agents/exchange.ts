import { type Dispatcher, util } from "undici";

/** What is kept of an answer's body; the rest is not read. */
const LONGEST_ANSWER_BYTES = 64 * 1024;
/** How long an answer's body is waited for once its status is known. */
const BODY_WAIT_MS = 2000;

/**
 * How one request went.
 * `unsent`: not a byte left this machine. `broken`: it was sent, or may have been, and no status came back.
 */
export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      /** At most 64 KiB; may be cut short where the body was endless, slow or torn off. */
      readonly body: string;
    }
  | { readonly kind: "unsent"; readonly cause: Error }
  | { readonly kind: "broken"; readonly cause: Error };

export type Outgoing = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For everything together: connecting, sending, and the answer's head. */
  readonly deadlineMs: number;
};

/** Sends one request; never throws, follows no redirect, and always ends. */
export function exchange(dispatcher: Dispatcher, outgoing: Outgoing): Promise<Exchange> {
  return new Promise((resolve) => {
    let abort: ((reason: Error) => void) | undefined;
    let head: Pick<Extract<Exchange, { kind: "answered" }>, "status" | "headers"> | undefined;
    let over = false;
    /** The exchange ended by itself: nothing is left to abort. */
    let isDone = false;
    let size = 0;
    const chunks: Buffer[] = [];

    const end = (result: Exchange) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve(result);
      if (!isDone) abort?.(new Error("no longer wanted"));
    };
    const answered = (): Exchange | undefined =>
      head && { kind: "answered", ...head, body: Buffer.concat(chunks).toString("utf8") };
    const failed = (cause: Error): Exchange => ({ kind: abort ? "broken" : "unsent", cause });
    const expire = () =>
      end(answered() ?? failed(new Error(`no answer within ${Math.ceil(outgoing.deadlineMs / 1000)} s`)));
    let timer = setTimeout(expire, outgoing.deadlineMs);

    const handler: Dispatcher.DispatchHandlers = {
      onConnect(abortRequest) {
        // Thrown away before a byte is written when the deadline passed while it waited for a connection.
        if (over) abortRequest(new Error("no longer wanted"));
        else abort = abortRequest;
      },
      onHeaders(status, headers) {
        if (over || status < 200) return true;
        head = { status, headers: util.parseHeaders(headers) };
        clearTimeout(timer);
        timer = setTimeout(expire, BODY_WAIT_MS);
        return true;
      },
      onData(chunk) {
        if (over) return true;
        chunks.push(chunk.subarray(0, LONGEST_ANSWER_BYTES - size));
        size += chunk.length;
        if (size >= LONGEST_ANSWER_BYTES) expire();
        return true;
      },
      onComplete() {
        isDone = true;
        end(answered() ?? failed(new Error("the answer has no status")));
      },
      onError(error) {
        isDone = true;
        end(answered() ?? failed(error));
      },
    };
    try {
      const { method, path, headers, body } = outgoing;
      dispatcher.dispatch(
        { method, path, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 },
        handler,
      );
    } catch (error) {
      end(failed(error instanceof Error ? error : new Error(String(error))));
    }
  });
}
