import { createCore } from "./core.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createGateway } from "./gateway/gateway.ts";
import { createGuards } from "./guards.ts";
import { createInspection, type Inspection } from "./inspection.ts";
import { DISCORD_RATES, type RateTable } from "./rate-limits.ts";
import { ATOMIZER_HQ, type Seed } from "./seed.ts";
import { createServer, type GuildLog } from "./server.ts";

export { GUILD_ID } from "./seed.ts";

export type LocalGuildOptions = {
  /** 0 = a free one. */
  readonly port: number;
  /** The address it listens at, and by which it is asked besides the names of loopback. */
  readonly host?: string;
  /** Where everything is kept; absent = in memory. */
  readonly dir?: string;
  readonly log?: GuildLog;
  readonly now?: () => number;
  /** When set, `/local/*` needs it as a bearer token. */
  readonly key?: string;
  readonly seed?: Seed;
  /** Discord's rates by default; false = none. */
  readonly rates?: RateTable | false;
  /** Serves POST /local/faults. */
  readonly allowFaults?: boolean;
};

export type LocalGuild = {
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** `http://127.0.0.1:<port>`; throws before the start. */
  readonly url: string;
  /** What discord.js needs as `rest.api`. */
  readonly restApi: string;
  /** The page, with the key in its fragment when there is one. */
  readonly address: string;
  readonly guildId: string;
  readonly faults: Faults;
  readonly useRates: (table: RateTable | false) => void;
  readonly inspect: Inspection;
  /** As an administrator makes and deletes channels, until the guild is started anew. */
  readonly channels: {
    readonly remove: (name: string) => void;
    readonly add: (name: string) => void;
  };
};

/** A Discord of our own on loopback: REST v10, gateway v10, `/local/*` for people, and the page. */
export async function createLocalGuild(options: LocalGuildOptions): Promise<LocalGuild> {
  const { host = "127.0.0.1", key, log } = options;
  let port: number | undefined;
  let stopping: Promise<void> | undefined;
  const url = () => {
    if (port === undefined) throw new Error("the local guild is not started");
    return `http://${host}:${port}`;
  };
  const faults = createFaults();
  const core = createCore({
    seed: options.seed ?? ATOMIZER_HQ,
    dir: options.dir,
    now: options.now ?? Date.now,
    faults,
    rates: options.rates ?? DISCORD_RATES,
    url,
  });
  const guards = createGuards({ key, host, port: () => port ?? 0 });
  const gateway = createGateway({ core, guards, url });
  const app = await createServer({
    core,
    guards,
    isBotOnline: gateway.isOnline,
    allowFaults: options.allowFaults ?? false,
    log,
  });
  app.server.on("upgrade", (request, socket, head: Buffer) => gateway.upgrade(request, socket, head));

  async function start(): Promise<void> {
    if (port !== undefined || stopping) return;
    await app.listen({ host, port: options.port });
    const at = app.server.address();
    if (typeof at !== "object" || at === null) throw new Error("the local guild has no port");
    port = at.port;
  }

  async function stopAll(): Promise<void> {
    core.interactions.stop();
    await gateway.stop();
    await app.close();
    core.close();
  }

  return {
    start,
    stop() {
      stopping ??= stopAll();
      return stopping;
    },
    get url() {
      return url();
    },
    get restApi() {
      return `${url()}/api`;
    },
    get address() {
      return key === undefined ? `${url()}/` : `${url()}/#key=${key}`;
    },
    guildId: core.world.population.id,
    faults,
    useRates: (table) => core.limits.use(table),
    inspect: createInspection({ ...gateway, world: core.world }),
    channels: {
      remove(name) {
        const at = core.world.placeNamed(name);
        if (!at || at.thread) throw new Error(`the guild has no channel ${name}`);
        core.world.removeChannel(at.channel);
      },
      add: (name) =>
        core.world.addChannel({ id: core.world.newId(), type: 0, name, position: 99, overwrites: [] }),
    },
  };
}
