import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { isObject } from "../check/form.ts";
import { INTENT } from "../check/kinds.ts";
import type { Core } from "../core.ts";
import type { Guards } from "../guards.ts";
import { P } from "../seed.ts";
import type { GuildEvent } from "../state/events.ts";
import { type Dispatch, dispatchesOf } from "./events.ts";
import { createSession, type Session } from "./session.ts";

/** How a bot came in: with a new session, or with one that it had, which may have been refused. */
export type Handshake = {
  readonly kind: "identified" | "resumed" | "refused";
  readonly session: string;
  /** The last event that the bot says it has. */
  readonly from?: number;
};

const HEARTBEAT_MS = 41_250;
const MOST_PAYLOAD = 64 * 1024;

/** What the bot must not go on with after a close, in Discord's numbers. */
const CLOSE = {
  decode: 4002,
  notAuthenticated: 4003,
  badToken: 4004,
  twice: 4005,
  disallowed: 4014,
} as const;

export type Gateway = ReturnType<typeof createGateway>;

/** Discord's gateway v10 over JSON: identify, heartbeat, dispatch, resume. */
export function createGateway({ core, guards, url }: { core: Core; guards: Guards; url: () => string }) {
  const { world, views, faults } = core;
  const { population } = world;
  const sessions = new Map<string, Session>();
  const server = new WebSocketServer({ noServer: true, maxPayload: MOST_PAYLOAD, clientTracking: true });
  const stopListening = world.on(broadcast);
  const handshakes: Handshake[] = [];
  let wasOnline = false;

  faults.connect({
    drop(code) {
      for (const socket of server.clients) {
        if (code === undefined) socket.terminate();
        else socket.close(code);
      }
    },
    invalidate(resumable) {
      for (const session of sessions.values()) {
        send(session.socket(), 9, resumable);
        if (!resumable) end(session);
      }
    },
    askToReconnect() {
      for (const session of sessions.values()) send(session.socket(), 7, null);
    },
    tellAway(away) {
      const gone = { id: population.id, ...(away === "unavailable" ? { unavailable: true } : {}) };
      for (const session of sessions.values()) {
        if (away) session.dispatch("GUILD_DELETE", gone);
        else session.dispatch("GUILD_CREATE", wholeGuild(session.botId));
      }
    },
  });

  const send = (socket: WebSocket | undefined, op: number, d: unknown) =>
    socket?.readyState === 1 && socket.send(JSON.stringify({ op, d, s: null, t: null }));

  const isOnline = () =>
    [...sessions.values()].some(
      (session) => session.botId === population.botId && session.socket()?.readyState === 1,
    );

  function tellPresence(): void {
    const online = isOnline();
    if (online === wasOnline) return;
    wasOnline = online;
    world.emit({ kind: "bot", online });
  }

  function end(session: Session): void {
    sessions.delete(session.id);
    tellPresence();
  }

  function broadcast(event: GuildEvent): void {
    if (sessions.size === 0 || faults.away()) return;
    const dispatches = dispatchesOf({ event, world, views });
    for (const session of sessions.values()) {
      if (session.isOver()) sessions.delete(session.id);
      else for (const dispatch of dispatches) deliver(session, dispatch);
    }
  }

  function deliver(session: Session, { event, intent, channelId, botId, body }: Dispatch): void {
    if (botId !== undefined && botId !== session.botId) return;
    if (intent !== 0 && (session.intents & intent) === 0) return;
    if (channelId !== undefined) {
      const at = world.place(channelId);
      if (at && !world.can(session.botId, at, P.ViewChannel)) return;
    }
    if (faults.takeEvent("lose-event", event)) return;
    const readsContent = (session.intents & INTENT.MessageContent) !== 0;
    session.dispatch(event, body({ id: session.botId, readsContent }));
    if (faults.takeEvent("duplicate-event", event)) session.repeatLast();
  }

  function identify(socket: WebSocket, d: Record<string, unknown>): Session | undefined {
    if (typeof d["token"] !== "string" || d["token"] === "") {
      socket.close(CLOSE.badToken, "Authentication failed.");
      return undefined;
    }
    const intents = Number(d["intents"] ?? 0);
    if (intents & INTENT.MessageContent && !population.messageContent) {
      socket.close(CLOSE.disallowed, "Disallowed intent(s).");
      return undefined;
    }
    const botId = population.botOf(d["token"].replace(/^Bot /, ""));
    if (core.sessionStarts.limitOf(botId).remaining === 0) {
      // Discord resets the token of a bot that goes on.
      socket.close(CLOSE.badToken, "Authentication failed.");
      return undefined;
    }
    const session = createSession({ botId, intents, now: world.now });
    sessions.set(session.id, session);
    core.sessionStarts.note(botId);
    handshakes.push({ kind: "identified", session: session.id });
    session.attach(socket);
    session.dispatch("READY", {
      v: 10,
      user: { ...views.userOf(botId), email: null, verified: true, mfa_enabled: false, flags: 0 },
      guilds: faults.away() === "removed" ? [] : [{ id: population.id, unavailable: true }],
      session_id: session.id,
      resume_gateway_url: `${url().replace(/^http/, "ws")}/gateway`,
      session_type: "normal",
      private_channels: [],
      relationships: [],
      presences: [],
      user_settings: {},
      geo_ordered_rtc_regions: [],
      shard: [0, 1],
      application: { id: botId, flags: population.messageContent ? 1 << 19 : 0 },
      _trace: [],
    });
    if (intents & INTENT.Guilds && !faults.away()) session.dispatch("GUILD_CREATE", wholeGuild(botId));
    tellPresence();
    return session;
  }

  const wholeGuild = (botId: string) => ({
    ...views.guild(),
    joined_at: "2026-02-13T00:00:00.000000+00:00",
    large: false,
    unavailable: false,
    member_count: population.members.size,
    voice_states: [],
    members: [...population.members.values()].map(views.member),
    channels: views.visibleChannels(botId).map(views.channel),
    threads: world
      .threads()
      .filter((thread) => !thread.archived)
      .map(views.thread),
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  });

  function resume(socket: WebSocket, d: Record<string, unknown>): Session | undefined {
    const id = String(d["session_id"]);
    const session = sessions.get(id);
    const from = Number(d["seq"]);
    const isTheirs = session?.botId === population.botOf(String(d["token"]).replace(/^Bot /, ""));
    if (!session || !isTheirs || session.isOver() || !session.canReplay(from) || faults.takeRefusedResume()) {
      if (session && isTheirs) end(session);
      handshakes.push({ kind: "refused", session: id, from });
      return void send(socket, 9, false);
    }
    handshakes.push({ kind: "resumed", session: id, from });
    const before = session.socket();
    session.attach(socket);
    if (before && before !== socket) before.terminate();
    session.replay(from);
    session.dispatch("RESUMED", { _trace: [] });
    tellPresence();
    return session;
  }

  function talk(socket: WebSocket): void {
    let session: Session | undefined;
    send(socket, 10, { heartbeat_interval: HEARTBEAT_MS, _trace: [] });
    socket.on("message", (bytes: Buffer) => {
      const message = parse(bytes.toString("utf8"));
      if (!message) return socket.close(CLOSE.decode, "Error while decoding payload.");
      const d = isObject(message["d"]) ? message["d"] : {};
      switch (message["op"]) {
        case 1:
          if (typeof message["d"] === "number") session?.acknowledge(message["d"]);
          return void send(socket, 11, null);
        case 2:
          if (session) return socket.close(CLOSE.twice, "Already authenticated.");
          session = identify(socket, d);
          return;
        case 6:
          session = resume(socket, d);
          return;
        case 8:
          return sendMembers(session, d);
        case 3:
        case 4:
          return;
        default:
          if (!session) socket.close(CLOSE.notAuthenticated, "Not authenticated.");
      }
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", (code) => {
      if (!session) return;
      session.detach(socket);
      // A client that closes in an orderly way gives its session up, as on Discord.
      if (code === 1000 || code === 1001) sessions.delete(session.id);
      tellPresence();
    });
  }

  function sendMembers(session: Session | undefined, d: Record<string, unknown>): void {
    session?.dispatch("GUILD_MEMBERS_CHUNK", {
      guild_id: population.id,
      members: [...population.members.values()].map(views.member),
      chunk_index: 0,
      chunk_count: 1,
      not_found: [],
      ...(typeof d["nonce"] === "string" ? { nonce: d["nonce"] } : {}),
    });
  }

  return {
    isOnline,
    /** Since the guild began, oldest first. */
    handshakes: (): readonly Handshake[] => handshakes,
    sessions: () =>
      [...sessions.values()].map((session) => ({
        id: session.id,
        intents: session.intents,
        isConnected: session.socket() !== undefined,
        seq: session.seq(),
      })),
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      const refusal = refusalOf(request);
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      server.handleUpgrade(request, socket, head, talk);
    },
    async stop(): Promise<void> {
      stopListening();
      sessions.clear();
      for (const socket of server.clients) socket.terminate();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };

  function refusalOf(request: IncomingMessage): string | undefined {
    if (faults.isOut()) return "503 Service Unavailable";
    try {
      guards.checkUpgrade(request.headers);
    } catch {
      return "403 Forbidden";
    }
    const target = URL.parse(request.url ?? "/", "http://guild");
    if (!target) return "400 Bad Request";
    const { pathname, searchParams } = target;
    if (pathname.replace(/\/$/, "") !== "/gateway") return "404 Not Found";
    return searchParams.has("compress") || (searchParams.get("encoding") ?? "json") !== "json"
      ? "400 Bad Request"
      : undefined;
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
