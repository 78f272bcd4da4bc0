import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { parseBytes } from "../../src/cli/since.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderProblems } from "../../src/config/render-problems.ts";
import { taskQueueOf } from "../support/task-queue.ts";
import { configFolder, loaded, refused, spoken } from "./folder.ts";

/** What the test support says, with workers off and the command that starts OpenClaw. */
function defaultTaskQueue(home: string) {
  const given = taskQueueOf(home);
  const { standard } = given.worker.kinds;
  const words =
    "openclaw agent --local --json --session-id {session} --message {message} --thinking {thinking} --model {model}";
  const kinds = { standard: { ...standard, command: words.split(" ") } };
  return { ...given, worker: { ...given.worker, enabled: false, kinds } };
}

test("without a configuration folder the defaults hold, and that is said", (t) => {
  const { dir, place } = configFolder(t, {});
  rmSync(dir, { recursive: true });
  const result = loadConfig(place);
  assert.ok(result.ok);
  assert.deepEqual(
    result.config.registry.agents.map((agent) => `${agent.letter} ${agent.id} ${agent.url}`),
    [
      "A manager http://127.0.0.1:18800",
      "B tech-lead http://127.0.0.1:18804",
      "C secretary http://127.0.0.1:18808",
      "D auditor http://127.0.0.1:18812",
      "E optimizer http://127.0.0.1:18816",
      "F study-builder http://127.0.0.1:18820",
      "G nx-expert http://127.0.0.1:18824",
      "H webster http://127.0.0.1:18828",
    ],
  );
  assert.deepEqual(result.config.settings, {
    takeOverMs: 120_000,
    delegation: {
      timeoutMs: 300_000,
      startWithinMs: 3_600_000,
      retries: 1,
      slotGraceMs: 30_000,
      ambiguousGraceMs: 60_000,
      maxDepth: 2,
      contextMessages: 20,
    },
    handoffs: {
      dir: join(place.home, "handoffs"),
      keepInPlace: false,
      maxBytes: 1_048_576,
      quietMs: 5000,
      scanMs: 1000,
      sweepMs: 30_000,
      polling: false,
      uploadMax: 10 * 1024 * 1024,
      uploadMaxTotal: 50 * 1024 * 1024,
    },
    taskQueue: defaultTaskQueue(place.home),
    models: [],
    workflows: { dir: join(place.installation, "workflows") },
    agents: { healthEveryMs: 60_000 },
    cluster: {
      dir: join(dirname(place.dir), "cluster"),
      command: ["openclaw", "gateway"],
      restartMs: 5000,
      startLimit: 5,
      stopGraceMs: 330_000,
      logMax: 16_777_216,
    },
    logs: {
      dir: join(place.home, "logs/orchestration"),
      projectLog: join(place.home, "project_log.md"),
      level: "info",
    },
    channels: {
      roles: {
        results: "results",
        agentLogs: "agent-logs",
        itOps: "it-ops",
        taskQueue: "task-queue",
        workerPool: "worker-pool",
        interAgent: "inter-agent",
        approvals: "ceo-office",
      },
      ids: {},
      contextable: ["*"],
    },
    discord: { batchAbove: 8, cardEditMs: 2000, mirror: false },
    api: { host: "127.0.0.1", allowedHosts: [], bodyLimit: 1_048_576, ratePerMinute: 6000 },
  });
  assert.deepEqual(result.config.files, []);
  assert.deepEqual(result.warnings.map(spoken), ["config : is not there: the defaults hold"]);
});

test("each missing file is named, and an empty one is the same as its defaults", (t) => {
  const result = loaded(t, { "hq.yaml": "# nothing yet\n", "acl.yaml": "" });
  assert.deepEqual(result.warnings.map(spoken), [
    "agents.yaml : is not there: its defaults hold",
    "channels.yaml : is not there: its defaults hold",
  ]);
  assert.deepEqual(
    result.config.files.map((file) => file.split("/").at(-1)),
    ["hq.yaml", "acl.yaml"],
  );
  assert.deepEqual(result.config.people, { roles: [], users: [] });
});

test("a file of another name is pointed out, since nobody reads it", (t) => {
  const { warnings } = loaded(t, { "agent.yaml": "agents: {}", "hq.yml": "{}" });
  assert.ok(
    warnings
      .map(spoken)
      .includes('agent.yaml : is not read: no file of that name is known (did you mean "agents.yaml"?)'),
  );
  assert.ok(
    warnings
      .map(spoken)
      .includes('hq.yml : is not read: no file of that name is known (did you mean "hq.yaml"?)'),
  );
});

test("interactions come by HTTP only when config says so; the application's public key is no secret", (t) => {
  const key = "0123456789abcdef".repeat(4);
  const text = (lines: string) => ({ "hq.yaml": `discord:\n${lines}\n` });
  const wish = (lines: string) => loaded(t, text(lines)).config.settings.discord.interactionsByHttp;
  assert.equal(wish(`  public_key: ${key}`), undefined);
  assert.deepEqual(wish("  interactions_endpoint: true"), {});
  assert.deepEqual(wish(`  interactions_endpoint: true\n  public_key: ${key}`), { publicKey: key });
  assert.match(
    refused(t, text("  public_key: 0123abcd"))[0] ?? "",
    /discord\.public_key.*64 hexadecimal characters/,
  );
});

test("an unknown key is an error with its place, its path and what was meant", (t) => {
  assert.deepEqual(refused(t, { "hq.yaml": "delegation:\n  timout: 5m\n" }), [
    'hq.yaml:2:3 delegation.timout: unknown key "timout" (did you mean "timeout"?)',
  ]);
});

test("every problem of every file is reported at once, in the order of the files", (t) => {
  const problems = refused(t, {
    "acl.yaml": "preset: defualt\npeople:\n  users:\n    - user: ada\n",
    "channels.yaml": "roles:\n  results: '#results'\nids:\n  technical: 12\n",
    "hq.yaml":
      "delegation:\n  retries: 4\n  timeout: soon\n  context_messages: 31\nhandoffs:\n  max_bytes: large\n  scan: 1ms\nlogs: loud\napi:\n  allowed_hosts: ['http://a.example/']\n",
    "agents.yaml": "agents:\n  webster:\n    port: ninety\n  Auditor:\n    port: 18812\n",
  });
  assert.deepEqual(problems, [
    "hq.yaml:2:12 delegation.retries: must be at most 3",
    "hq.yaml:3:12 delegation.timeout: must be a duration such as 90, 90s, 5m or 2h",
    "hq.yaml:4:21 delegation.context_messages: must be at most 30",
    "hq.yaml:6:14 handoffs.max_bytes: must be a size such as 65536, 512KiB, 1MiB or 10GiB",
    "hq.yaml:7:9 handoffs.scan: must be between 100ms and 5m",
    "hq.yaml:8:7 logs: must be a map of keys, not text",
    "hq.yaml:10:19 api.allowed_hosts.0: must be a host name, without http:// and without a path",
    "agents.yaml:3:11 agents.webster.port: must be a number, not text",
    'agents.yaml:4:3 agents.Auditor: "Auditor" cannot stand here: agent ids are small letters, digits and dashes, beginning with a letter, at most 40',
    `channels.yaml:2:12 roles.results: a channel is its name without "#" or its id of 17 to 20 digits`,
    "channels.yaml:4:14 ids.technical: must be text, not a number",
    'acl.yaml:1:9 preset: must be one of default, hooks-protocol (did you mean "default"?)',
    "acl.yaml:4:13 people.users.0.user: must be a person's id of 17 to 20 digits: names can be taken over",
  ]);
});

test("durations read as 90, 90s, 5m and 2h, sizes as bytes, KiB and MiB", (t) => {
  const { settings } = loaded(t, {
    "hq.yaml":
      "delegation: { timeout: 90, start_within: 2h, slot_grace: 5m, ambiguous_grace: '90s' }\nhandoffs: { max_bytes: 512KiB }\napi: { body_limit: 65536 }\n",
  }).config;
  assert.equal(settings.delegation.timeoutMs, 90_000);
  assert.equal(settings.delegation.startWithinMs, 7_200_000);
  assert.equal(settings.delegation.slotGraceMs, 300_000);
  assert.equal(settings.delegation.ambiguousGraceMs, 90_000);
  assert.equal(settings.handoffs.maxBytes, 524_288);
  assert.equal(settings.api.bodyLimit, 65_536);
});

test("a size is written here as `hq prune` takes it, up to what the key allows", (t) => {
  const kept = (keep_size: string) =>
    loaded(t, { "hq.yaml": `retention: { keep_size: ${keep_size} }\n` }).config.settings.retention?.keepBytes;
  for (const text of ["10GiB", "10GB", "10 gib", "10240MiB", "10737418240"])
    assert.equal(kept(text), parseBytes(text), text);
  assert.equal(kept("2TiB"), 2 ** 41);
  assert.deepEqual(refused(t, { "hq.yaml": "handoffs: { max_bytes: 2GiB }\n" }), [
    "hq.yaml:1:24 handoffs.max_bytes: must be between 1024 and 67108864 bytes",
  ]);
});

test("relative paths begin at the installation, and ~ is the user's folder", (t) => {
  const { place } = configFolder(t, {
    "hq.yaml": "handoffs: { dir: ~/atomizer/handoffs }\nlogs: { dir: var/log, project_log: false }\n",
    "agents.yaml":
      "agents:\n  webster: { port: 18828, workspace: ~/w, handoff_dir: out/webster }\n  auditor: { url: 'https://10.0.0.5:18800/', workspace: /srv/a/../b }\n",
  });
  const result = loadConfig(place);
  assert.ok(result.ok);
  const { settings, registry } = result.config;
  assert.equal(settings.handoffs.dir, "/home/ada/atomizer/handoffs");
  assert.equal(settings.logs.dir, join(place.installation, "var/log"));
  assert.equal(settings.logs.projectLog, undefined);
  assert.equal(registry.find("webster")?.workspace, "/home/ada/w");
  assert.equal(registry.find("webster")?.handoffDir, join(place.installation, "out/webster"));
  assert.equal(registry.find("auditor")?.workspace, "/srv/b");
  assert.equal(registry.find("auditor")?.url, "https://10.0.0.5:18800");
});

test("a channel id without quotes keeps all its digits", (t) => {
  const { config } = loaded(t, {
    "channels.yaml": "roles: { results: 1471858733452890132 }\nids: { technical: 1471858733452890133 }\n",
  });
  assert.equal(config.settings.channels.roles.results, "1471858733452890132");
  assert.equal(config.settings.channels.ids["technical"], "1471858733452890133");
});

test("REST on an address that others reach is allowed with a warning", (t) => {
  const { warnings } = loaded(t, {
    "hq.yaml": "api:\n  host: 0.0.0.0\n  public_url: https://hq.example.org\n",
  });
  assert.match(warnings.map(spoken).join("\n"), /hq\.yaml:2:9 api\.host: makes REST reachable/);
});

test("YAML that is dangerous or ambiguous is refused with its line", (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["delegation: {}\ndelegation: {}\n", /hq\.yaml:2:1 : this key is here twice/],
    ["api:\n  __proto__: { x: 1 }\n", /hq\.yaml:2:3 : the key __proto__ is not allowed/],
    ["logs: &a { level: info }\napi: *a\n", /hq\.yaml:2:6 : aliases \(\*name\) are not read here/],
    ["logs: !!js/function 'x'\n", /hq\.yaml:1:7 : tags \(!name\) are not read here/],
    ["logs: {}\n---\napi: {}\n", /hq\.yaml:2:1 : one file holds one document/],
    ["logs: [1, 2\n", /hq\.yaml:2:1 : /],
    ["[".repeat(100_000), /hq\.yaml : is nested too deeply/],
    ["- ".repeat(100_000), /hq\.yaml : is nested too deeply/],
    [`#${"x".repeat(1024 * 1024)}\n`, /hq\.yaml : is larger than 1 MiB/],
    ["- a\n- b\n", /hq\.yaml:1:1 : must be a map of keys, not a list/],
  ];
  for (const [text, expected] of cases)
    assert.match(refused(t, { "hq.yaml": text }).join("\n"), expected, text.slice(0, 40));
});

test("what is no regular text file is refused and never waited for", (t) => {
  const { dir, place } = configFolder(t, {});
  execFileSync("mkfifo", [join(dir, "hq.yaml")]);
  mkdirSync(join(dir, "agents.yaml"));
  writeFileSync(join(dir, "channels.yaml"), Buffer.from([0x72, 0xff, 0xfe]));
  const result = loadConfig(place);
  assert.ok(!result.ok);
  assert.deepEqual(result.problems.map(spoken), [
    "hq.yaml : is not a regular file",
    "agents.yaml : is not a regular file",
    "channels.yaml : is not UTF-8 text",
  ]);
});

test("a secret in a file is refused with the reason, and its value is shown nowhere", (t) => {
  const secret = "s3cretS3cretS3cretS3cretS3cretS3cretS3c";
  const problems = refused(t, {
    "agents.yaml": [
      "agents:",
      `  webster: { port: 18828, token: ${secret} }`,
      `  auditor: { port: 18812, token_env: ${secret} }`,
      `  manager: { url: 'http://user:${secret}@127.0.0.1:18800' }`,
      "  secretary: { port: 18808, note: 'Bearer abcdef0123456789' }",
      "  optimizer: { port: 18816, note: 0123456789abcdef0123456789abcdef }",
    ].join("\n"),
  });
  assert.equal(problems.length, 5, problems.join("\n"));
  assert.match(problems[0] ?? "", /agents\.yaml:2:27 agents\.webster\.token: "token" would hold a secret/);
  for (const problem of problems.slice(1))
    assert.match(problem, /looks like a secret: .*\(put it into \.env/);
  assert.doesNotMatch(problems.join("\n"), new RegExp(secret));
});

test("problems are printed one a line, relative to the place they are read from", (t) => {
  const { root, place } = configFolder(t, { "hq.yaml": "discord:\n  mirorr: true\n" });
  const result = loadConfig(place);
  assert.ok(!result.ok);
  assert.equal(
    renderProblems(result.problems, root),
    'config/hq.yaml:2:3 discord.mirorr: unknown key "mirorr" (did you mean "mirror"?)',
  );
});
