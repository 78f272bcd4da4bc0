import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { MOST_RETRIES } from "../api/limits.ts";
import type { ShareStatus } from "../domain/share.ts";
import type { Sent, SessionView, Spawned } from "../engine/orchestrator-verbs.ts";
import { type Hq, parseCount, parseSpan } from "./hq.ts";
import { readPayload } from "./payload.ts";
import { instant, jsonText, plainText, table } from "./print.ts";
import { createSessionTokens } from "./session-tokens.ts";
import { exitOfShares } from "./share-exit.ts";
import { askInSlices } from "./slices.ts";
import { untilInterrupted } from "./until-interrupted.ts";

const BASE = "/api/orchestrator/sessions";

export function registerSessions(program: Command, hq: Hq): void {
  const sessions = program.command("sessions").description("conversations with an instance, turn after turn");
  registerSpawn(sessions, hq);
  registerSend(sessions, hq);
  registerReading(sessions, hq);
}

function registerSpawn(sessions: Command, hq: Hq): void {
  const { io } = hq;
  sessions
    .command("spawn")
    .description("begin a session; prints its token and keeps it for later turns of the same user")
    .requiredOption("--id <id>", "letters, digits, dash and underscore; used once")
    .option("--instance <word>", "the agent it is with: id, alias or letter (the first healthy one)")
    .option("--caller <agent>", "for which agent you ask (operator only)")
    .option("--key <key>", "the same key again answers the session that it began")
    .option("--json", "print JSON, as always here")
    .action((options: { id: string; instance?: string; caller?: string; key?: string }) =>
      hq.run(async () => {
        const { id: sessionId, instance, caller } = options;
        const spawned = await untilInterrupted(io, (signal) =>
          hq.client("always").ask<Omit<Spawned, "repeated">>(
            {
              method: "POST",
              path: `${BASE}/spawn`,
              body: { sessionId, instance, caller },
              key: options.key ?? randomUUID(),
              isRepeatable: true,
              isWhole: true,
            },
            signal,
          ),
        );
        if (spawned === undefined) return 130;
        const path = createSessionTokens(io).keep(spawned.sessionId, spawned.token);
        io.out(`${jsonText(spawned)}\n`);
        io.err(`Whoever has the token may speak in this session; it is kept in ${path}.\n`);
        return 0;
      }),
    );
}

type SendOptions = {
  readonly id: string;
  readonly data: string;
  readonly token?: string;
  readonly timeout?: number;
  readonly retry?: number;
  readonly caller?: string;
  readonly key?: string;
  readonly format: "json" | "text";
  readonly json?: true;
};

function registerSend(sessions: Command, hq: Hq): void {
  sessions
    .command("send")
    .description("one turn: prints the reply, which depends on the turns before")
    .requiredOption("--id <id>", "the session")
    .requiredOption("--data <json>", "what you say, a JSON object; - reads it from standard input")
    .option("--token <token>", "of the session (else HQ_SESSION_TOKEN, else the one that spawn kept)")
    .option(
      "--timeout <duration>",
      "how long the reply is waited for (60s); it goes on after that",
      parseSpan,
    )
    .option("--retry <n>", "further attempts after a failed one, 0 to 3", parseCount(0, MOST_RETRIES))
    .option("--caller <agent>", "for which agent you ask (operator only)")
    .option("--key <key>", "the same key again means the same turn, in place of a new one")
    .addOption(
      new Option("--format <format>", "what is printed: the turn, or the reply alone")
        .choices(["json", "text"])
        .default("json"),
    )
    .option("--json", "print JSON whatever --format says")
    .addHelpText(
      "after",
      `\nExample:\n  hq sessions spawn --id s1 --instance webster\n  hq sessions send --id s1 --data '{"task": "CTE of Zerodur?"}'\n  hq sessions send --id s1 --data '{"task": "And its density?"}'\n`,
    )
    .action((options: SendOptions) => hq.run(() => send(hq, options)));
}

async function send(hq: Hq, options: SendOptions): Promise<number> {
  const { io } = hq;
  const { id: sessionId, retry: retries, caller } = options;
  const token = options.token ?? io.env.HQ_SESSION_TOKEN ?? createSessionTokens(io).kept(sessionId);
  const data = await readPayload(io, "--data", options.data);
  const sent = await askInSlices<Sent>(hq, {
    path: `${BASE}/send`,
    body: { sessionId, token, data, retries, caller },
    key: options.key ?? randomUUID(),
    timeoutMs: options.timeout,
    isOpen: ({ open, error }) => open === true && error?.code !== "unauthorized",
    passing: "session_busy",
  });
  if (sent === undefined) return 130;
  const isJson = options.json === true || options.format === "json";
  if (isJson) io.out(`${jsonText(sent)}\n`);
  else if (sent.reply !== undefined) io.out(plainText(sent.reply));
  const { agent, error } = sent;
  const status = (error?.code ?? "ok") as ShareStatus;
  return exitOfShares(io, [{ instance: agent, agent, status, ...(error ? { error } : {}) }]);
}

function registerReading(sessions: Command, hq: Hq): void {
  const { io } = hq;
  const client = () => hq.client("if-used");

  sessions
    .command("list")
    .description("sessions, newest first")
    .option("--open", "only those that are not closed")
    .option("--json", "print JSON")
    .action((options: { open?: true; json?: true }) =>
      hq.run(async () => {
        const path = `${BASE}${options.open ? "?open=true" : ""}`;
        const { items } = await client().ask<{ readonly items: readonly SessionView[] }>({
          path,
          isWhole: true,
        });
        if (options.json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0)
          io.err(options.open ? "No session is open.\n" : "There are no sessions yet.\n");
        else io.out(sessionTable(items));
        return 0;
      }),
    );

  sessions
    .command("show")
    .description("one session with its turns; `hq wait <delegation>` prints what a turn brought")
    .requiredOption("--id <id>", "the session")
    .option("--json", "print JSON")
    .action((options: { id: string; json?: true }) =>
      hq.run(async () => {
        const path = `${BASE}/${encodeURIComponent(options.id)}`;
        const session = await client().ask<SessionView>({ path, isWhole: true });
        io.out(options.json ? `${jsonText(session)}\n` : describe(session));
        return 0;
      }),
    );

  sessions
    .command("close")
    .description("no more turns; what runs goes on")
    .requiredOption("--id <id>", "the session")
    .option("--token <token>", "of the session, when somebody else spawned it")
    .option("--json", "print JSON")
    .action((options: { id: string; token?: string; json?: true }) =>
      hq.run(async () => {
        const { id, token } = options;
        const path = `${BASE}/${encodeURIComponent(id)}/close`;
        const closed = await client().ask<SessionView>({
          method: "POST",
          path,
          body: { token },
          isWhole: true,
        });
        createSessionTokens(io).forget(id);
        io.out(options.json ? `${jsonText(closed)}\n` : `${id} is closed.\n`);
        return 0;
      }),
    );
}

function sessionTable(items: readonly SessionView[]): string {
  const rows = items.map(({ sessionId, agent, status, turns, spawnedAt, by }) => [
    sessionId,
    agent,
    status,
    String(turns.length),
    instant(spawnedAt),
    by,
  ]);
  return table([["SESSION", "AGENT", "STATUS", "TURNS", "SPAWNED", "BY"], ...rows]);
}

function describe({ sessionId, agent, status, persistent, by, turns }: SessionView): string {
  const memory = persistent ? "its gateway remembers the turns" : "each turn brings the earlier ones along";
  const head = `${sessionId}: with ${agent}, ${status}, spawned by ${by}; ${memory}\n`;
  if (turns.length === 0) return head;
  const rows = turns.map(({ turn, at, status, delegation }) => [
    String(turn),
    instant(at),
    status ?? "running",
    delegation,
  ]);
  return `${head}${table([["TURN", "ASKED", "STATUS", "DELEGATION"], ...rows])}`;
}
