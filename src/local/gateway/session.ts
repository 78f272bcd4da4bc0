import { randomBytes } from "node:crypto";
import type { WebSocket } from "ws";

/** Missed events of a session without a socket are kept this long, and at most this many. */
const RESUMABLE_MS = 180_000;
const MOST_KEPT = 2000;
/** A bot may go on from a little before what its heartbeat told as arrived: for so long that is kept. */
const KEPT_AFTER_ARRIVAL_MS = 30_000;

type Sent = { readonly seq: number; readonly text: string; readonly at: number };

/** One bot's session: it outlives its socket for a while, so that nothing is missed. */
export type Session = ReturnType<typeof createSession>;

export function createSession({
  botId,
  intents,
  now,
}: {
  botId: string;
  intents: number;
  now: () => number;
}) {
  const id = randomBytes(16).toString("hex");
  let seq = 0;
  let sent: Sent[] = [];
  let socket: WebSocket | undefined;
  let leftAt: number | undefined;

  return {
    id,
    botId,
    intents,
    socket: () => socket,
    seq: () => seq,
    attach(next: WebSocket): void {
      socket = next;
      leftAt = undefined;
    },
    /** Only the socket that the session has now can leave it. */
    detach(old: WebSocket): void {
      if (socket !== old) return;
      socket = undefined;
      leftAt = now();
    },
    isOver: () => leftAt !== undefined && now() - leftAt > RESUMABLE_MS,
    dispatch(event: string, body: unknown): void {
      seq++;
      const text = JSON.stringify({ op: 0, s: seq, t: event, d: body });
      sent.push({ seq, text, at: now() });
      if (sent.length > MOST_KEPT) sent = sent.slice(-MOST_KEPT / 2);
      if (socket?.readyState === 1) socket.send(text);
    },
    /** The client has everything up to this number; what of it is not new is not needed for a replay any more. */
    acknowledge(upTo: number): void {
      const before = now() - KEPT_AFTER_ARRIVAL_MS;
      sent = sent.filter((one) => one.seq > upTo || one.at > before);
    },
    /** Sends an event once more under its old number, as a duplicate. */
    repeatLast(): void {
      const last = sent.at(-1);
      if (last && socket?.readyState === 1) socket.send(last.text);
    },
    /** Whether everything after `from` is still here. */
    canReplay: (from: number) =>
      from <= seq && (from === seq || (sent[0]?.seq ?? Number.POSITIVE_INFINITY) <= from + 1),
    replay(from: number): void {
      for (const one of sent) if (one.seq > from) socket?.send(one.text);
    },
  };
}
