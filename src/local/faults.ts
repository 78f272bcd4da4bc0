/** What a fault of the REST side applies to; everything when nothing is said. */
export type Matching = {
  readonly method?: string;
  /** A part of the path, or a pattern, e.g. `/channels/` or `/\/messages$/`. */
  readonly path?: string | RegExp;
  /** How often it applies; default once. */
  readonly times?: number;
};

export type Fault = Matching &
  (
    | {
        /** Answers this status; with `after` only once the request was carried out. */
        readonly kind: "status";
        readonly status: number;
        readonly body?: unknown;
        readonly after?: boolean;
      }
    | { readonly kind: "delay"; readonly delayMs: number; readonly after?: boolean }
    /** The connection ends without an answer: carried out first unless `after` is false; reset unless `clean`. */
    | { readonly kind: "drop"; readonly after?: boolean; readonly clean?: boolean }
    | { readonly kind: "rate-limit"; readonly retryAfterMs: number; readonly global?: boolean }
  );

/** Faults of the gateway: an event sent twice or not at all; an interaction that arrives after its 3 s. */
export type EventFault = {
  readonly kind: "duplicate-event" | "lose-event" | "stale-interaction";
  /** E.g. MESSAGE_CREATE; any event when absent. */
  readonly event?: string;
  readonly times?: number;
};

export type Hold = {
  /** Resolves when a matching request waits. */
  readonly arrived: Promise<void>;
  readonly release: () => void;
};

type Held = { readonly after: boolean; readonly open: Promise<void>; readonly arrive: () => void };
type Armed<T> = { readonly fault: T; left: number };

/** How the guild is gone for bots: Discord has it not available now, or the bot was removed from it. */
export type Away = "unavailable" | "removed";

export type GatewayActs = {
  /** Ends every socket without a close frame, or with this close code. */
  readonly drop: (code?: number) => void;
  readonly invalidate: (resumable: boolean) => void;
  readonly askToReconnect: () => void;
  /** Tells who is connected that the guild went, or came back. */
  readonly tellAway: (away: Away | undefined) => void;
};

export type Faults = ReturnType<typeof createFaults>;

/** Trouble on demand, for tests. Nothing happens by itself. */
export function createFaults() {
  let armed: Armed<Fault>[] = [];
  let armedEvents: Armed<EventFault>[] = [];
  let holds: { matching: Matching; held: Held }[] = [];
  let isOut = false;
  let away: Away | undefined;
  let refusedResumes = 0;
  let gateway: GatewayActs | undefined;

  function take<T>(list: Armed<T>[], fits: (fault: T) => boolean): T | undefined {
    const found = list.find((one) => one.left > 0 && fits(one.fault));
    if (!found) return undefined;
    found.left--;
    return found.fault;
  }

  const acts = () => {
    if (!gateway) throw new Error("the guild is not started");
    return gateway;
  };

  return {
    add(fault: Fault): void {
      armed.push({ fault, left: fault.times ?? 1 });
    },
    addEvent(fault: EventFault): void {
      armedEvents.push({ fault, left: fault.times ?? 1 });
    },
    /** Keeps the next matching request waiting: before it is carried out, or (`after`) before it is answered. */
    hold(matching: Matching & { readonly after?: boolean }): Hold {
      const arrived = Promise.withResolvers<void>();
      const open = Promise.withResolvers<void>();
      const held = { after: matching.after ?? false, open: open.promise, arrive: arrived.resolve };
      holds.push({ matching, held });
      return { arrived: arrived.promise, release: open.resolve };
    },
    /** All of Discord away: REST answers 503 and gateways are cut off. */
    outage(on: boolean): void {
      isOut = on;
      if (on) acts().drop();
    },
    /** What happens in the guild meanwhile is told to no bot, not even later. */
    guildAway(how: Away | undefined): void {
      away = how;
      acts().tellAway(how);
    },
    dropGateway: (code?: number) => acts().drop(code),
    invalidateSessions: (resumable = false) => acts().invalidate(resumable),
    askToReconnect: () => acts().askToReconnect(),
    /** The next attempts to resume a session are answered with "invalid session". */
    refuseResume(times = 1): void {
      refusedResumes += times;
    },
    clear(): void {
      armed = [];
      armedEvents = [];
      holds = [];
      isOut = false;
      away = undefined;
      refusedResumes = 0;
    },

    // What the guild itself asks:
    isOut: () => isOut,
    away: () => away,
    takeFor(method: string, path: string): Fault | undefined {
      armed = armed.filter((one) => one.left > 0);
      return take(armed, (fault) => matches(fault, method, path));
    },
    takeHold(method: string, path: string): Held | undefined {
      const at = holds.findIndex(({ matching }) => matches(matching, method, path));
      return at === -1 ? undefined : holds.splice(at, 1)[0]?.held;
    },
    takeEvent(kind: EventFault["kind"], event: string): boolean {
      armedEvents = armedEvents.filter((one) => one.left > 0);
      const fits = (fault: EventFault) =>
        fault.kind === kind && (fault.event === undefined || fault.event === event);
      return take(armedEvents, fits) !== undefined;
    },
    takeRefusedResume(): boolean {
      if (refusedResumes === 0) return false;
      refusedResumes--;
      return true;
    },
    connect(acts: GatewayActs): void {
      gateway = acts;
    },
  };
}

function matches({ method, path }: Matching, of: string, at: string): boolean {
  if (method !== undefined && method.toUpperCase() !== of) return false;
  if (path === undefined) return true;
  return typeof path === "string" ? at.includes(path) : path.test(at);
}
