import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AppOptions } from "../../src/app/base.ts";
import { createApp } from "../../src/app.ts";
import { createLocalGuild, GUILD_ID } from "../../src/local/local-guild.ts";
import type { StoredMessage } from "../../src/local/state/documents.ts";
import { handoffOf } from "../support/core.ts";
import { type FakeGateway, type FakeRun, startFakeGateway } from "../support/fake-gateway.ts";
import { ROOT, temporaryFolder } from "../support/supervisor.ts";

export const BOT_TOKEN = `${"B".repeat(24)}.Gfault.${"t".repeat(38)}`;
export const HOOKS_TOKEN = "hooks-token-of-the-fault-tests";
const DEADLINE_MS = 15_000;

/** Everything that is known from a prompt: which run, which attempt, where to write. */
export function readPrompt(message: string) {
  const path = /^(\/\S+\.json)$/m.exec(message)?.[1] ?? "";
  const run = /^Run id: (\S+)$/m.exec(message)?.[1] ?? "";
  const attempt = Number(/^Attempt: (\d+) of/m.exec(message)?.[1]);
  return { path, run, attempt };
}

/** What an agent does that always succeeds. */
export function handBack(run: FakeRun, more: object = {}): void {
  const { path, run: id } = readPrompt(run.message);
  writeFileSync(path, JSON.stringify(handoffOf(id, more)));
}

export type World = Awaited<ReturnType<typeof createWorld>>;
export type Call = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ readonly status: number; readonly body: any }>;

/**
 * A folder, gateways of agents that outlive the supervisor, and the whole supervisor in this process.
 * `onRun` is what webster does; tech-lead always succeeds. With `guild` it speaks to a local guild, else it has no Discord.
 */
export async function createWorld(
  t: TestContext,
  given: {
    readonly onRun?: (run: FakeRun) => Promise<void> | void;
    readonly guild?: boolean;
    /** Text of hq.yaml, and more fields of webster; FOLDER in them becomes the world's folder. */
    readonly hq?: string;
    readonly webster?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly overrides?: AppOptions["overrides"];
    readonly concurrency?: number;
    /** The gateways' clock. */
    readonly now?: () => number;
  } = {},
) {
  const folder = temporaryFolder("hq-faults-");
  const closers: (() => unknown)[] = [folder.remove];
  t.after(async () => {
    for (const close of closers.toReversed()) await close();
  });
  const home = join(folder.path, "home");
  const config = join(folder.path, "config");
  mkdirSync(config);
  const gateway = await startFakeGateway({
    token: HOOKS_TOKEN,
    now: given.now ?? Date.now,
    onRun: (run) => (given.onRun ? given.onRun(run) : handBack(run)),
  });
  const other = await startFakeGateway({
    token: HOOKS_TOKEN,
    onRun: (run) => handBack(run, { agent: "tech-lead" }),
  });
  closers.push(gateway.close, other.close);
  const agent = (name: string, { url }: FakeGateway, more = "") =>
    `  ${name}: { url: "${url}", concurrency: ${given.concurrency ?? 8}, browser_ports: false${more} }\n`;
  const placed = (text: string) => text.replaceAll("FOLDER", folder.path);
  const agents = `agents:\n${agent("webster", gateway, placed(given.webster ?? ""))}${agent("tech-lead", other)}`;
  writeFileSync(join(config, "agents.yaml"), agents);
  writeFileSync(join(config, "hq.yaml"), placed(given.hq ?? "api: { rate_per_minute: 100000 }\n"));
  writeFileSync(join(config, "acl.yaml"), "matrix: { tech-lead: [webster] }\n");
  const guild = given.guild ? await createLocalGuild({ port: 0, rates: false }) : undefined;
  await guild?.start();
  if (guild) closers.push(guild.stop);
  const env = {
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    OPENCLAW_GATEWAY_TOKEN: HOOKS_TOKEN,
    ...(guild ? { DISCORD_TOKEN: BOT_TOKEN, GUILD_ID, DISCORD_API: guild.restApi } : {}),
    ...given.env,
  };

  /** Starts the supervisor; it is stopped after the test at the latest. */
  async function start(more: Partial<AppOptions> = {}) {
    const app = createApp({
      installation: ROOT,
      home,
      configDir: config,
      env,
      version: "0.0.0",
      isEmbedded: !guild,
      ports: { api: 0, guild: 0 },
      onStopAsked: () => undefined,
      ...(given.overrides ? { overrides: given.overrides } : {}),
      ...more,
    });
    closers.push(app.stop);
    const { api } = await app.start();
    const call = callerOf(
      api,
      given.env?.["ORCHESTRATOR_API_KEY"] ?? readFileSync(join(home, "api.key"), "utf8").trim(),
    );
    return { stop: app.stop, api, call, ...doors(call) };
  }

  /** Resolves with the messages of a channel as soon as they fit; looks at each event of the guild. */
  async function seen(
    channel: string,
    fits: (messages: readonly StoredMessage[]) => boolean,
  ): Promise<readonly StoredMessage[]> {
    if (!guild) throw new Error("a world without a guild");
    const { inspect } = guild;
    const now = inspect.messages(channel);
    if (fits(now)) return now;
    return inspect.next(() => {
      const later = inspect.messages(channel);
      return fits(later) ? later : undefined;
    }, DEADLINE_MS);
  }

  return { folder: folder.path, home, config, gateway, other, guild, env, agents, start, seen };
}

export function callerOf(api: string, key: string): Call {
  return async (method, path, body) => {
    const response = await fetch(`${api}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
}

/** What a client of the REST API does in these tests. */
export function doors(call: Call) {
  async function ask(more: object = {}): Promise<string> {
    const { status, body } = await call("POST", "/delegations", {
      agent: "webster",
      objective: "Find the CTE of Zerodur",
      ...more,
    });
    if (status !== 201 && status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body.id;
  }

  async function settled(id: string): Promise<any> {
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline) {
      const { status, body } = await call("GET", `/delegations/${id}?wait=10s`);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      if (body.settledAt) return body;
    }
    throw new Error(`${id} was not settled in time`);
  }

  async function history(id: string): Promise<readonly { type: string; body: any }[]> {
    const { body } = await call("GET", `/delegations/${id}/history`);
    return body.items ?? body;
  }

  const typesOf = async (id: string) => (await history(id)).map(({ type }) => type);

  /** Nothing signals these over REST: asked again until it fits. */
  async function poll(path: string, fits: (body: any) => boolean): Promise<any> {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const { body } = await call("GET", path);
      if (fits(body)) return body;
      if (performance.now() > deadline) throw new Error(`never came: ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const until = (id: string, fits: (view: any) => boolean) => poll(`/delegations/${id}`, fits);
  const agent = (id: string, fits: (card: any) => boolean) =>
    poll("/agents", ({ items }) => items.some(({ card }: any) => card.id === id && fits(card)));

  return { ask, settled, history, typesOf, poll, until, agent };
}
