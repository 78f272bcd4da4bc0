import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { checkClock } from "../../src/cli/doctor/discord-checks.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { checkNode, judgeDisk } from "../../src/cli/doctor/machine-checks.ts";
import {
  BOT_PERMISSIONS,
  channelPermissions,
  guildPermissions,
  missingPermissions,
} from "../../src/cli/doctor/permissions.ts";
import { holdHome } from "../../src/ledger/lock.ts";
import { GUILD_ID } from "../../src/local/local-guild.ts";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { startFakeGateway } from "../support/fake-gateway.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { freeze, thaw } from "../support/tools.ts";
import { hq } from "./cli-harness.ts";
import { startFor } from "./discord-person.ts";
import { channels, discordWith, newInstallation, nobody, TOKEN } from "./setup-fixture.ts";

const read = (out: string) => JSON.parse(out) as { ok: boolean; findings: readonly Finding[] };
const of = (findings: readonly Finding[], id: string) => findings.filter((finding) => finding.id === id);
const discord = (api: string) => ({ DISCORD_TOKEN: TOKEN, GUILD_ID, DISCORD_API: api });

test("doctor finds nothing to mend in a guild that is as it should be", async (t) => {
  const guild = await discordWith(t);
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  const { ok, findings } = read(out);
  assert.equal(code, 0, out);
  assert.equal(ok, true);
  assert.deepEqual(
    findings.map(({ id, status }) => `${status} ${id}`),
    [
      "ok node",
      "ok disk",
      "skip supervisor",
      "ok config",
      "ok exposure",
      "ok token",
      "ok clock",
      "ok intents",
      "ok guild",
      "ok permissions",
      "ok channel results",
      "ok channel agentLogs",
      "ok channel itOps",
      "ok channel taskQueue",
      "ok channel workerPool",
      "ok channel interAgent",
      "ok channel approvals",
      "ok people",
      "ok ports",
      "skip agents",
    ],
  );
  assert.doesNotMatch(out, new RegExp(TOKEN));
});

test("in words, each line says what is so, and under it how to mend it", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) => (channel.name === "results" ? undefined : channel)),
  );
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor"], discord(guild.restApi));
  assert.equal(code, 1);
  assert.match(out, /✓ intents +Message Content is switched on/);
  assert.match(
    out,
    /✗ channel results +there is no #results\n +→ make #results, or name another channel as roles\.results/,
  );
  assert.match(out, /1 to mend\n$/);
});

test("a role that is to decide a gate and that the guild lacks is named with workflow and step", async (t) => {
  const guild = await discordWith(t);
  const gate =
    "name: sign\nsteps:\n  look: { agent: webster, task: x }\n  sign-off: { needs: [look], approval: { prompt: Go?, approvers: ['role:wizards', 'role:engineering'] } }\n";
  const { root, run } = newInstallation(t);
  writeFileSync(join(root, "workflows", "sign.yaml"), gate);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  assert.equal(code, 0, out);
  assert.deepEqual(
    of(read(out).findings, "gates").map(({ status, text }) => `${status} ${text}`),
    ['warn the guild has no single role called "wizards", which is to decide sign-off of sign'],
  );
});

test("a role that is to decide a gate and that the bot may not ping is named, and how to allow it", async (t) => {
  const guild = await discordWith(t, { roles: [...ATOMIZER_HQ.roles, { name: "Quiet" }] });
  const gate =
    "name: sign\nsteps:\n  look: { agent: webster, task: x }\n  sign-off: { needs: [look], approval: { prompt: Go?, approvers: ['role:quiet', 'role:engineering'] } }\n";
  const { root, run } = newInstallation(t);
  writeFileSync(join(root, "workflows", "sign.yaml"), gate);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  assert.equal(code, 0, out);
  const [finding, ...more] = of(read(out).findings, "gates");
  assert.deepEqual(more, []);
  assert.match(finding?.text ?? "", /may not ping the role "quiet", which is to decide sign-off of sign/);
  assert.match(JSON.stringify(finding), /Allow anyone to @mention this role/);
});

test("a guild without #worker-pool is well: #agent-logs takes its place", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) => (channel.name === "worker-pool" ? undefined : channel)),
  );
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  assert.equal(code, 0);
  assert.equal(
    of(read(out).findings, "channel workerPool")[0]?.text,
    "#agent-logs, as there is no #worker-pool",
  );
});

test("a permission that a channel takes away is named with the channel", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) =>
      channel.name === "results"
        ? { ...channel, overwrites: [{ role: "bot", deny: P.AttachFiles | P.EmbedLinks }] }
        : channel.name === "agent-logs"
          ? { ...channel, overwrites: [{ role: "@everyone", deny: P.ViewChannel }] }
          : channel,
    ),
  );
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  const { findings } = read(out);
  assert.equal(code, 1);
  assert.equal(
    of(findings, "channel results")[0]?.text,
    "the bot lacks Embed Links, Attach Files in #results",
  );
  assert.equal(of(findings, "channel agentLogs")[0]?.text, "the bot lacks View Channels in #agent-logs");
  assert.match(
    of(findings, "channel results")[0]?.mend ?? "",
    /Edit Channel, Permissions.*allow Embed Links, Attach Files/,
  );
});

test("each permission that the bot lacks in the guild is named once, with the invite link", async (t) => {
  const guild = await discordWith(t);
  const role = { id: GUILD_ID, name: "@everyone", permissions: String(P.ViewChannel | P.SendMessages) };
  guild.faults.add({
    kind: "status",
    method: "GET",
    path: new RegExp(`/guilds/${GUILD_ID}$`),
    status: 200,
    body: { id: GUILD_ID, name: "Atomizer-HQ", roles: [role] },
  });
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  const { findings } = read(out);
  assert.equal(code, 1);
  const [permissions] = of(findings, "permissions");
  assert.equal(
    permissions?.text,
    "the bot lacks Send Messages in Threads, Create Public Threads, Embed Links, Attach Files, Read Message History, Add Reactions in the guild",
  );
  assert.match(permissions?.mend ?? "", /permissions=309237763136/);
  assert.equal(of(findings, "channel results")[0]?.status, "ok");
  assert.match(of(findings, "people")[0]?.text ?? "", /no single role called "Operators", "Engineering"/);
});

test("Message Content switched off is found by the application's flags", async (t) => {
  const guild = await discordWith(t, { bot: { ...ATOMIZER_HQ.bot, messageContent: false } });
  const { run } = newInstallation(t);
  const { code, out } = await run(["doctor", "--json"], discord(guild.restApi));
  assert.equal(code, 1);
  const [intents] = of(read(out).findings, "intents");
  assert.equal(intents?.status, "fail");
  assert.match(intents?.mend ?? "", /\/bot: under Privileged Gateway Intents switch on Message Content/);
});

test("a refused token, a guild the bot is not in, and a Discord that does not answer each say what to do", async (t) => {
  const guild = await discordWith(t);
  const { run } = newInstallation(t);
  guild.faults.add({ kind: "status", path: "/users/@me", status: 401 });
  const refused = read((await run(["doctor", "--json"], discord(guild.restApi))).out);
  assert.equal(of(refused.findings, "token")[0]?.text, "Discord refuses the bot token");
  assert.match(of(refused.findings, "token")[0]?.mend ?? "", /Reset Token.*hq setup/);
  assert.deepEqual(of(refused.findings, "guild"), []);

  const env = { ...discord(guild.restApi), GUILD_ID: "123456789012345678" };
  const stranger = read((await run(["doctor", "--json"], env)).out);
  assert.equal(of(stranger.findings, "guild")[0]?.text, "the bot is not in the guild 123456789012345678");
  assert.match(of(stranger.findings, "guild")[0]?.mend ?? "", /invite it: https:\/\/discord\.com\/oauth2/);

  const silent = read((await run(["doctor", "--json"], discord(`${await nobody()}/api`))).out);
  assert.match(of(silent.findings, "token")[0]?.text ?? "", /127\.0\.0\.1:\d+ does not answer: ECONNREFUSED/);
});

test("a rate limit is waited out once", async (t) => {
  const guild = await discordWith(t);
  const { run } = newInstallation(t);
  guild.faults.add({ kind: "rate-limit", path: "/users/@me", retryAfterMs: 20 });
  const { code } = await run(["doctor", "--json"], discord(guild.restApi));
  assert.equal(code, 0);
});

test("agents are probed: up with a token, up without one, and down", async (t) => {
  const now = await startFakeGateway();
  const feb = await startFakeGateway({ version: "feb" });
  t.after(() => Promise.all([now.close(), feb.close()]));
  const { root, run } = newInstallation(t);
  writeFileSync(
    join(root, "config", "agents.yaml"),
    `agents:
  webster: { url: '${now.url}', token_env: WEBSTER_HOOKS_TOKEN, browser_ports: false }
  auditor: { url: '${feb.url}', token_env: AUDITOR_HOOKS_TOKEN, browser_ports: false }
  tech-lead: { port: 9 }
`,
  );
  const env = { HQ_AGENTS: "config", WEBSTER_HOOKS_TOKEN: "x" };
  const { code, out } = await run(["doctor", "--json"], env);
  const { findings } = read(out);
  assert.equal(code, 1);
  const [webster] = of(findings, "agent webster");
  assert.equal(webster?.status, "ok", webster?.text);
  const [auditor] = of(findings, "agent auditor");
  assert.equal(auditor?.text, `${feb.url} answers, and AUDITOR_HOOKS_TOKEN is not set`);
  assert.equal(feb.requests.length, 0, "nothing is dispatched");
  assert.match(auditor?.mend ?? "", /AUDITOR_HOOKS_TOKEN=… into \.env/);
  const [lead] = of(findings, "agent tech-lead");
  assert.equal(lead?.status, "fail");
  assert.match(lead?.mend ?? "", /start its gateway, or correct port or url of tech-lead/);
  assert.equal(of(findings, "token")[0]?.status, "skip");
});

test("configuration, environment and rights of .env are looked at too", async (t) => {
  const { root, run } = newInstallation(t, { ".env": "GUILD_ID=123456789012345678\n" });
  chmodSync(join(root, ".env"), 0o644);
  writeFileSync(join(root, "config", "hq.yaml"), "delegation: { timout: 5m }\n");
  const { code, out } = await run(["doctor", "--json"]);
  const { findings } = read(out);
  assert.equal(code, 1);
  assert.match(of(findings, "config")[0]?.mend ?? "", /config\/hq\.yaml:1:15 delegation\.timout/);
  assert.deepEqual(
    of(findings, "environment").map(({ status }) => status),
    ["warn", "fail"],
  );
  assert.match(of(findings, "environment")[1]?.text ?? "", /there is no DISCORD_TOKEN/);
});

test("a home in which no supervisor could begin is found before it is tried", async (t) => {
  const { root, run } = newInstallation(t, { file: "" });
  const shut = join(root, "shut");
  mkdirSync(shut);
  freeze(shut);
  try {
    for (const [home, words] of [
      [join(root, "file"), /file is no folder/],
      [join(root, "file", "x"), /file is no folder/],
      [join(shut, "x"), /shut cannot be written \((EACCES|EPERM)\)/],
    ] as const) {
      const { code, out } = await run(["doctor", "--json"], { HQ_HOME: home });
      const [found] = of(read(out).findings, "home");
      assert.deepEqual([code, found?.status], [1, "fail"], out);
      assert.match(found?.text ?? "", words);
      assert.match(found?.mend ?? "", /set HQ_HOME to another folder/);
    }
  } finally {
    thaw(shut);
  }
});

test("a ledger that is not there, empty or moved to nobody knows where is told, with what the next start would do", async (t) => {
  const { root, run } = newInstallation(t);
  const home = join(root, ".hq");
  const ledger = join(home, "ledger.db");
  const told = async () => {
    const { code, out, err } = await run(["doctor", "--json"]);
    assert.equal(err, "");
    const found = read(out).findings.filter(({ id }) => id === "ledger" || id === "database");
    return [code, ...found.map(({ status, text, mend }) => `${status} ${text} → ${mend}`)];
  };
  assert.deepEqual(await told(), [0], "nobody has worked here");
  writeFileSync(join(home, "secret.key"), "a secret of some length, for this test\n", { mode: 0o600 });
  const again = "if it was lost: hq restore --force with the last backup";
  const none = "a supervisor has worked here, and there is none: the next start begins a new one";
  assert.deepEqual(await told(), [0, `warn ${none} → ${again}`]);
  writeFileSync(ledger, "");
  assert.deepEqual(await told(), [0, `warn it is empty: the next start begins a new one in it → ${again}`]);
  renameSync(ledger, `${ledger}.half`);
  const [code, half, ...more] = await told();
  assert.deepEqual([code, more], [1, []]);
  assert.match(String(half), /^fail A restore into .* was broken off\. → Begin it again/);
  rmSync(`${ledger}.half`);
  for (const note of ["{", "null", "{}", '{"state":"moved"}']) {
    writeFileSync(join(home, "ledger.moved.json"), note);
    const [code, moved, ...others] = await told();
    assert.deepEqual([code, others], [1, []], note);
    assert.match(
      String(moved),
      /^fail .*ledger\.moved\.json, which says .*, is damaged\. → When it was moved, set/,
    );
  }
});

test("a damaged ledger is told with what to do, also while a supervisor works; a large one is not read whole for that", async (t) => {
  const folder = temporaryFolder("hq-doctor-");
  t.after(folder.remove);
  const home = join(folder.path, "home");
  const ledger = join(home, "ledger.db");
  const told = async () => {
    const { code, out } = await hq(["doctor", "--json"], { env: { HQ_HOME: home, HQ_AGENTS: "sample" } });
    const [found] = of(read(out).findings, "ledger");
    return `${code} ${found?.status} ${found?.text} → ${found?.mend}`;
  };
  const supervisor = await startFor(t, home);
  const { body } = await supervisor.call("POST", "/delegations", { agent: "webster", objective: "CTE" });
  await supervisor.call("GET", `/delegations/${body.id}?wait=60s`);
  assert.match(await told(), /^0 ok version \d+ → undefined$/);
  await supervisor.stop();

  const db = new DatabaseSync(ledger, { readOnly: true });
  const size = Number(db.prepare("pragma page_size").get()?.["page_size"]);
  const root = db.prepare("select rootpage from sqlite_schema where name = 'key'").get()?.["rootpage"];
  db.close();
  const bytes = readFileSync(ledger);
  writeFileSync(ledger, bytes.fill(0xab, (Number(root) - 1) * size, Number(root) * size));
  const mend =
    "hq stop, and keep a copy of ledger.db with its -wal and -shm; then hq restore --force with the last backup";
  const damaged = await told();
  assert.match(damaged, /^1 fail it is damaged: .*btreeInitPage/);
  assert.ok(damaged.endsWith(` → ${mend}`), damaged);

  const large = 256 * 1024 * 1024;
  truncateSync(ledger, large);
  assert.match(await told(), /^1 fail it is damaged/);
  truncateSync(ledger, large + 1);
  assert.match(
    await told(),
    /^0 ok version \d+; 256 MiB are not looked at for damage here: hq backup does that → undefined$/,
  );
  const backup = join(folder.path, "backup");
  const { code, err } = await hq(["backup", backup], { env: { HQ_HOME: home } });
  const why = `hq: No whole copy of ${ledger} could be made. The ledger ${ledger} is damaged`;
  assert.ok(code === 1 && err.startsWith(why), err);
  assert.match(err, /^Try another place, .*`hq restore --force` with the last backup\.$/m);
  assert.ok(!err.includes(backup), "the copy that is gone is not named");
});

test("keys that a start cannot read, or that others may, are named, and so is an emergency stop that holds", async (t) => {
  const { root, run } = newInstallation(t);
  const home = join(root, ".hq");
  const found = async (id: string, env: Readonly<Record<string, string>> = {}) => {
    const { code, out } = await run(["doctor", "--json"], env);
    return [
      code,
      ...of(read(out).findings, id).map(({ status, text, mend }) => `${status} ${text} → ${mend}`),
    ];
  };
  const [api, secret] = ["api.key", "secret.key"].map((name) => join(home, name)) as [string, string];
  for (const path of [api, secret])
    writeFileSync(path, "a key of some length, for this test\n", { mode: 0o640 });
  chmodSync(home, 0o755);
  const open = (path: string) => `warn ${path} is a secret, and other users may read it → chmod 600 ${path}`;
  assert.deepEqual(await found("keys"), [0, open(api), open(secret)]);
  chmodSync(home, 0o700);
  assert.deepEqual(await found("keys"), [0], "nobody else comes by the folder");
  rmSync(secret);
  mkdirSync(secret);
  assert.deepEqual(await found("keys"), [
    1,
    `fail ${secret} cannot be read (EISDIR) → make it a file of yours (chown, chmod 600)`,
  ]);
  const start = await run(["start"]);
  assert.match(
    `${start.code} ${start.err}`,
    /^1 hq: .*secret\.key cannot be used: it is a folder .*\nName a file\.\n$/,
  );
  assert.deepEqual(
    await found("keys", { HQ_SECRET: "another secret of some length, in the environment" }),
    [0],
  );
  rmSync(secret, { recursive: true });
  assert.deepEqual(await found("held"), [0]);
  writeFileSync(join(home, "held"), "2026-02-17T12:00:00.000Z\n");
  assert.deepEqual(await found("held"), [
    0,
    "warn hq stop --now has stopped all work, and none begins → when it may begin again: hq start",
  ]);
});

test("run.json of a dead, a strange and a broken supervisor is told apart", async (t) => {
  const { root, run } = newInstallation(t);
  const file = join(root, ".hq", "run.json");
  const supervisor = async (text: string) => {
    writeFileSync(file, text);
    return of(read((await run(["doctor", "--json"])).out).findings, "supervisor")[0];
  };
  const about = {
    version: "0.1.0",
    api: "http://127.0.0.1:9",
    mode: "local",
    startedAt: "2026-02-15T10:00:00Z",
  };
  const dead = await supervisor(JSON.stringify({ ...about, pid: 2 ** 30 }));
  assert.match(dead?.text ?? "", /which is gone/);
  assert.equal(dead?.status, "warn");
  const another = await supervisor(JSON.stringify({ ...about, pid: process.pid }));
  assert.match(another?.text ?? "", /which is another program by now/);
  assert.equal(another?.status, "warn");
  assert.match(another?.mend ?? "", /^nothing to do/);
  const lock = await holdHome({ path: join(root, ".hq", "supervisor.lock"), describe: {} });
  assert.ok(lock.ok);
  t.after(lock.release);
  const strange = await supervisor(JSON.stringify({ ...about, pid: process.pid }));
  assert.match(strange?.text ?? "", /does not answer as the supervisor/);
  assert.equal(strange?.status, "fail");
  assert.match(strange?.mend ?? "", new RegExp(`kill -9 ${process.pid}\\b`));
  assert.match((await supervisor("{"))?.text ?? "", /cannot be read/);
});

test("clock, disk and Node are judged by size", () => {
  assert.deepEqual(
    [0, 29_000, -31_000, 299_000, 301_000].map((skew) => checkClock(skew).status),
    ["ok", "ok", "warn", "warn", "fail"],
  );
  assert.match(checkClock(-31_000).text, /is 31s behind Discord's/);
  const MIB = 1024 * 1024;
  assert.deepEqual(
    [2048, 500, 100].map((free) => judgeDisk(free * MIB, "/x").status),
    ["ok", "warn", "fail"],
  );
  assert.deepEqual(
    ["20.19.0", "24.11.9", "24.12.0", "26.0.0"].map((version) => checkNode(version).status),
    ["fail", "fail", "ok", "ok"],
  );
});

test("permissions are counted as Discord counts them", () => {
  assert.equal(BOT_PERMISSIONS, 309_237_763_136n);
  const roles = [
    { id: "g", name: "@everyone", permissions: String(1n << 10n) },
    { id: "r", name: "bot", permissions: String(1n << 11n) },
    { id: "other", name: "other", permissions: String(~0n & ((1n << 50n) - 1n)) },
    { id: "admin", name: "admin", permissions: "8" },
  ];
  const bot = { id: "b", roles: ["r"] };
  const held = guildPermissions("g", roles, bot);
  assert.equal(held, (1n << 10n) | (1n << 11n));
  const overwrites = [
    { id: "g", allow: "0", deny: String(1n << 11n) },
    { id: "r", allow: String((1n << 11n) | (1n << 6n)), deny: String(1n << 10n) },
    { id: "b", allow: String(1n << 10n), deny: String(1n << 6n) },
    { id: "other", allow: String(1n << 15n), deny: "0" },
  ];
  assert.equal(channelPermissions("g", held, overwrites, bot), (1n << 10n) | (1n << 11n));
  const admin = guildPermissions("g", roles, { id: "b", roles: ["admin"] });
  assert.deepEqual(missingPermissions(channelPermissions("g", admin, overwrites, bot)), []);
  assert.deepEqual(missingPermissions(0n), ["View Channels"]);
  assert.deepEqual(missingPermissions(BOT_PERMISSIONS & ~(1n << 35n)), ["Create Public Threads"]);
});
