/**
 * Workflow runs on SQLite and on PostgreSQL, by one coordinator or several, each a process of its own as it ships, with
 * an agent that answers at once: steps a second, and the time from a handoff that was seen to the dispatch of the step that
 * waited for it. All are there from the beginning and take turns, round after round, so that a busy machine meets all of
 * them. With `--baseline <commit>` the embedded store of that commit takes its turns too.
 *
 * usage: `node bench/scale.ts --help`
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { Pool } from "undici";
import { parse, stringify } from "yaml";
import { startPostgres } from "../test/support/postgres.ts";
import { ROOT } from "../test/support/supervisor.ts";
import { startGateway } from "./product.ts";
import { percentile, table } from "./report.ts";

const USAGE = `usage: node bench/scale.ts [options]

  --runs <n>              runs of four steps at once (100)
  --rounds <n>            rounds that count, after some that warm up (5)
  --coordinators <list>   arrangements on PostgreSQL, by how many share it (1): 1,2,3
  --baseline <commit>     the embedded store of that commit takes its turns too
  --dir <folder>          where the ledgers lie (${tmpdir()}): a real disk, since every write is synced

Prints a line for each arrangement: steps a second (median of the rounds, least and most), from a handoff to the
next dispatch (p50, p99), and the median of the ratios, round by round, to SQLite and to the baseline.
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    runs: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    coordinators: { type: "string", default: "1" },
    baseline: { type: "string" },
    dir: { type: "string", default: tmpdir() },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const AT_ONCE = count("runs", values.runs);
const ROUNDS = count("rounds", values.rounds);
const COORDINATORS = values.coordinators.split(",").map((word) => count("coordinators", word));
/** Not counted: what runs for weeks is compiled. */
const WARM = 3;
const STEPS = 4;
const DIAMOND = {
  name: "diamond",
  steps: {
    top: { agent: "webster", task: "Begin." },
    left: { agent: "webster", needs: ["top"], task: `After \${{ steps.top.result }}.` },
    right: { agent: "webster", needs: ["top"], task: `After \${{ steps.top.result }}.` },
    bottom: {
      agent: "webster",
      needs: ["left", "right"],
      task: `\${{ steps.left.result }} and \${{ steps.right.result }}.`,
    },
  },
};
const base = mkdtempSync(join(values.dir, "hq-bench-"));

function count(name: string, word: string): number {
  if (/^[1-9]\d{0,5}$/.test(word.trim())) return Number(word);
  process.stderr.write(`--${name}: ${word} is no number of 1 or more\n\n${USAGE}`);
  process.exit(2);
}

type Member = { readonly child: ChildProcess; readonly pool: Pool; readonly key: string };
type Seen = { readonly stream: string; readonly type: string; readonly at: number };
type Arrangement = {
  readonly name: string;
  readonly members: readonly Member[];
  /** When handoffs were seen and dispatches recorded. */
  readonly read: () => Promise<readonly Seen[]>;
};
type Round = { readonly perSecond: number; readonly runs: readonly string[] };

/** The shipped configuration of a version, with an agent that answers at once and one workflow. */
function configFrom(root: string, name: string, url: string): string {
  const dir = join(base, `config-${name}`);
  cpSync(join(root, "config"), dir, { recursive: true });
  const workflows = join(dir, "diamond");
  mkdirSync(workflows);
  writeFileSync(join(workflows, "diamond.yaml"), stringify(DIAMOND));
  const agentsFile = join(dir, "agents.yaml");
  const listed = parse(readFileSync(agentsFile, "utf8")) as {
    agents: Record<string, Record<string, unknown>>;
  };
  const { port: _, ...agent } = listed.agents["webster"] ?? {};
  listed.agents["webster"] = { ...agent, url, concurrency: 64 };
  writeFileSync(agentsFile, stringify(listed));
  const hqFile = join(dir, "hq.yaml");
  const hq = parse(readFileSync(hqFile, "utf8")) as Record<string, object>;
  const more = {
    workflows: { dir: workflows },
    // Several coordinators look at one folder.
    handoffs: { ...hq["handoffs"], dir: join(base, `handoffs-${name}`) },
    api: { ...hq["api"], rate_per_minute: 1_000_000 },
  };
  mkdirSync(more.handoffs.dir);
  writeFileSync(hqFile, stringify({ ...hq, ...more }));
  return dir;
}

async function startMember(root: string, home: string, env: Record<string, string>): Promise<Member> {
  mkdirSync(home, { recursive: true });
  // Not bin/hq.js, which installs packages where they are not those of its version.
  const command = [join(root, "src/cli/main.ts"), "start", "--json"];
  const child = spawn(process.execPath, command, {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HQ_HOME: home,
      HQ_PORT: "0",
      HQ_GUILD_PORT: "0",
      HQ_AGENTS: "config",
      OPENCLAW_GATEWAY_TOKEN: "bench-token",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const first = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    once(child, "exit").then(() => undefined),
  ]);
  if (!first) throw new Error(`${home} did not start:\n${said}`);
  const { api } = JSON.parse(String(first[0])) as { api: string };
  const key = readFileSync(join(home, "api.key"), "utf8").trim();
  return { child, pool: new Pool(api, { connections: AT_ONCE }), key };
}

async function onSqlite(name: string, root: string, url: string): Promise<Arrangement> {
  const home = join(base, name);
  const env = { HQ_CONFIG: configFrom(root, name, url) };
  const member = await startMember(root, home, env);
  return {
    name,
    members: [member],
    async read() {
      const db = new DatabaseSync(join(home, "ledger.db"), { readOnly: true });
      const text = "select stream, type, at from event where type in ('handoff.seen', 'attempt.dispatched')";
      const rows = db.prepare(text).all() as unknown as readonly Seen[];
      db.close();
      return rows;
    },
  };
}

async function onPostgres(count: number, database: string, url: string): Promise<Arrangement> {
  const name = `postgres-${count}`;
  const env = { HQ_CONFIG: configFrom(ROOT, name, url), DATABASE_URL: database };
  const members: Member[] = [];
  for (let n = 0; n < count; n++) members.push(await startMember(ROOT, join(base, `${name}-${n}`), env));
  return {
    name,
    members,
    async read() {
      const client = new Client({ connectionString: database });
      await client.connect();
      const { rows } = await client.query<Seen>(
        "select stream, type, at::float8 as at from hq.event where type in ('handoff.seen', 'attempt.dispatched')",
      );
      await client.end();
      return rows;
    },
  };
}

async function ask({ pool, key }: Member, method: "GET" | "POST", path: string, body?: object) {
  const answer = await pool.request({
    method,
    path: `/api/v1${path}`,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const said = (await answer.body.json()) as { id: string; status: string; detail?: string };
  if (answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${said.detail ?? ""}`);
  return said;
}

/** The runs are spread over the coordinators; each is waited for where it was asked for. */
async function round({ members }: Arrangement): Promise<Round> {
  const startedAt = performance.now();
  const runs = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, n) => {
      const member = members[n % members.length];
      if (!member) throw new Error("nobody is there");
      const { id } = await ask(member, "POST", "/runs", { workflow: "diamond" });
      const { status } = await ask(member, "GET", `/runs/${id}?wait=60s`);
      if (status !== "succeeded") throw new Error(`${id} is ${status}`);
      return id;
    }),
  );
  return { perSecond: ((AT_ONCE * STEPS) / (performance.now() - startedAt)) * 1000, runs };
}

function gapsOf(seen: readonly Seen[], rounds: readonly Round[]): readonly number[] {
  const at = new Map(seen.map(({ stream, type, at: when }) => [`${type} ${stream}`, when]));
  return rounds.flatMap(({ runs }) =>
    runs.flatMap((run) =>
      ["left", "right"].flatMap((step) => {
        const from = at.get(`handoff.seen ${run}.top`);
        // An agent may be faster than the answer to its hook: then its handoff is the first sign.
        const to = at.get(`attempt.dispatched ${run}.${step}`) ?? at.get(`handoff.seen ${run}.${step}`);
        return from === undefined || to === undefined ? [] : [to - from];
      }),
    ),
  );
}

/** The files of a commit, with the packages of today. */
function filesOf(commit: string): string {
  const root = join(base, "baseline");
  execFileSync("git", ["clone", "--quiet", "--shared", "--no-checkout", ROOT, root]);
  execFileSync("git", ["-C", root, "checkout", "--quiet", commit]);
  // Links to each file: a link to the folder would let the clone install its own packages over ours.
  const packages = join(root, "node_modules");
  execFileSync("cp", ["-al", join(ROOT, "node_modules"), packages]);
  const now = new Date();
  utimesSync(join(packages, ".package-lock.json"), now, now);
  return root;
}

async function stop({ child, pool }: Member): Promise<void> {
  await pool.close();
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

const gateway = await startGateway();
const postgres = await startPostgres({ isSafe: true });
const all: Arrangement[] = [];
const rows: string[][] = [];
try {
  if (values.baseline !== undefined)
    all.push(await onSqlite("sqlite-before", filesOf(values.baseline), gateway.url));
  all.push(await onSqlite("sqlite", ROOT, gateway.url));
  for (const many of COORDINATORS)
    all.push(await onPostgres(many, await postgres.createDatabase(), gateway.url));
  const measured = new Map<Arrangement, Round[]>(all.map((one) => [one, []]));
  for (let n = -WARM; n < ROUNDS; n++) {
    // Each begins some rounds, so that none always follows the same one.
    const turn = all
      .map((_, index) => all[(index + n + WARM) % all.length])
      .filter((one) => one !== undefined);
    for (const one of turn) {
      const done = await round(one);
      if (n >= 0) measured.get(one)?.push(done);
    }
  }
  const speeds = (one: Arrangement | undefined) =>
    (one ? (measured.get(one) ?? []) : []).map(({ perSecond }) => perSecond);
  const ours = speeds(all.find(({ name }) => name === "sqlite"));
  const before = speeds(all.find(({ name }) => name === "sqlite-before"));
  /** Round by round, since those of one round met the same machine. */
  const ratio = (speed: readonly number[], to: readonly number[]) =>
    to.length === 0
      ? ""
      : percentile(
          speed.map((value, n) => value / (to[n] ?? value)),
          50,
        ).toFixed(2);
  for (const one of all) {
    const gaps = gapsOf(await one.read(), measured.get(one) ?? []);
    const speed = speeds(one);
    rows.push([
      one.name,
      String(one.members.length),
      percentile(speed, 50).toFixed(0),
      `${Math.min(...speed).toFixed(0)}–${Math.max(...speed).toFixed(0)}`,
      percentile(gaps, 50).toFixed(0),
      percentile(gaps, 99).toFixed(0),
      ratio(speed, ours),
      ratio(speed, before),
    ]);
  }
} finally {
  for (const { members } of all) for (const member of members) await stop(member);
  await postgres.stop();
  gateway.child.disconnect();
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
console.log(`${AT_ONCE} runs of four steps at once, ${ROUNDS} rounds, in turns`);
console.log(
  table(
    [
      "store",
      "coordinators",
      "steps/s",
      "least–most",
      "handoff → dispatch p50 ms",
      "p99 ms",
      "to sqlite",
      "to before",
    ],
    rows,
  ),
);
