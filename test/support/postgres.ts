import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "pg";

const BINARIES = "/usr/lib/postgresql";
const INSTALL = "apt-get install -y postgresql";
/** Not the name of the schema, which would be found by itself then. */
const USER = "tester";
/** Looked for in logs and errors by the tests: it must not be there. */
export const PASSWORD = "pass-3f9c1d70b2";

export type Postgres = {
  readonly port: number;
  /** Makes an empty database and returns its address. */
  readonly createDatabase: () => Promise<string>;
  readonly urlOf: (database: string) => string;
  /** Ends it at once, as a crash does, and starts it again unless told otherwise. */
  readonly crash: (again?: boolean) => Promise<void>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

type Certificate = { readonly key: string; readonly certificate: string };

/** The newest PostgreSQL's programs; says how to install them when there are none. */
export function postgresBinaries(base = BINARIES): string {
  const versions = existsSync(base) ? readdirSync(base).map(Number).filter(Number.isFinite) : [];
  const newest = versions
    .sort((a, b) => b - a)
    .find((version) => existsSync(join(base, `${version}`, "bin", "postgres")));
  if (newest === undefined) throw new Error(`PostgreSQL is not installed. Run: ${INSTALL}`);
  return join(base, `${newest}`, "bin");
}

/** The server refuses to run as root, and must not outlive the tests however they end. */
function wrapped(program: string, args: readonly string[]): [string, string[]] {
  const asRoot =
    process.getuid?.() === 0 ? ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : [];
  return ["setpriv", [...asRoot, "--pdeathsig", "QUIT", program, ...args]];
}

/** The server reads only what belongs to its own user. */
function owned(path: string, mode: number): string {
  chmodSync(path, mode);
  if (process.getuid?.() === 0) {
    const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    chownSync(path, id("-u"), id("-g"));
  }
  return path;
}

function tlsIn(data: string, { key, certificate }: Certificate): readonly string[] {
  for (const [from, name] of [
    [key, "server.key"],
    [certificate, "server.crt"],
  ] as const) {
    copyFileSync(from, join(data, name));
    owned(join(data, name), 0o600);
  }
  return ["ssl=on"];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A cluster of its own in a temporary folder. It keeps what a crash of the server keeps, not what one of the machine does. */
export async function startPostgres(
  more: {
    readonly tls?: Certificate;
    /** With the syncs that an installation has. */
    readonly isSafe?: true;
    /** An address of this machine at which others of its network, of 256 addresses, reach it too. */
    readonly address?: string;
  } = {},
): Promise<Postgres> {
  const bin = postgresBinaries();
  const dir = owned(mkdtempSync(join(tmpdir(), "hq-postgres-")), 0o700);
  const data = join(dir, "data");
  const secret = join(dir, "secret");
  writeFileSync(secret, PASSWORD, { mode: 0o644 });
  const [program, args] = wrapped(join(bin, "initdb"), [
    "-D",
    data,
    "-U",
    USER,
    `--pwfile=${secret}`,
    "-A",
    "scram-sha-256",
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
  ]);
  const made = spawnSync(program, args, { encoding: "utf8", cwd: dir });
  if (made.status !== 0) {
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  }
  if (more.address !== undefined)
    appendFileSync(join(data, "pg_hba.conf"), `host all all ${more.address}/24 scram-sha-256\n`);
  const port = await freePort();
  const settings = more.tls ? tlsIn(data, more.tls) : [];
  let server: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let databases = 0;

  async function start(): Promise<void> {
    const options = [
      `fsync=${more.isSafe ? "on" : "off"}`,
      "max_connections=200",
      "shared_buffers=64MB",
      "lc_messages=C",
      ...settings,
    ];
    const [command, rest] = wrapped(join(bin, "postgres"), [
      "-D",
      data,
      "-p",
      `${port}`,
      "-h",
      ["127.0.0.1", ...(more.address === undefined ? [] : [more.address])].join(","),
      "-k",
      dir,
      ...options.flatMap((option) => ["-c", option]),
    ]);
    const child = spawn(command, rest, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
    server = child;
    ended = once(child, "exit");
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (line.includes("ready to accept connections")) break;
    }
    child.stderr.resume();
    if (!said.at(-1)?.includes("ready to accept connections")) {
      throw new Error(`PostgreSQL did not start:\n${said.join("\n")}`);
    }
  }

  const urlOf = (database: string) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const end = async (signal: NodeJS.Signals) => {
    server?.kill(signal);
    await ended;
    server = undefined;
  };
  const onExit = () => {
    server?.kill("SIGQUIT");
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  process.once("exit", onExit);
  await start();
  return {
    port,
    urlOf,
    start,
    async createDatabase() {
      const name = `hq_${process.pid}_${databases++}`;
      const client = new Client({ connectionString: urlOf("postgres") });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return urlOf(name);
    },
    async crash(again = true) {
      await end("SIGQUIT");
      if (again) await start();
    },
    async stop() {
      await end("SIGINT");
      process.off("exit", onExit);
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
