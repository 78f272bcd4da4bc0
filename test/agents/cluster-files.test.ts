import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { outsideInstance, processEnv, systemdEnv } from "../../src/agents/cluster/environment.ts";
import { lastLines, readFrom } from "../../src/agents/cluster/log-file.ts";
import { differencesOf, openclawConfig } from "../../src/agents/cluster/openclaw-config.ts";
import { placeOf } from "../../src/agents/cluster/place.ts";
import { supervisorUnit, templateUnit } from "../../src/agents/cluster/units.ts";
import { clusterFolder } from "../support/cluster.ts";

const place = placeOf("/srv/cluster", "webster");
const CONFIG = {
  place,
  port: 18828,
  hooksPath: "/hooks/delegate",
  workspace: "/srv/ws/webster",
  skills: ["/srv/ws/webster/skills/delegate"],
  hasHeartbeat: true,
  hasBot: false,
};

test("the gateway's configuration is loopback, with its own log and port, an unwrapped hook, and secrets by name only", () => {
  assert.deepEqual(openclawConfig(CONFIG), {
    gateway: {
      mode: "local",
      bind: "loopback",
      port: 18828,
      auth: { mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" },
    },
    hooks: {
      enabled: true,
      token: "${HQ_HOOKS_TOKEN}",
      path: "/hooks",
      allowRequestSessionKey: true,
      allowedSessionKeyPrefixes: ["hook:"],
      mappings: [
        {
          id: "hq",
          match: { path: "delegate" },
          action: "agent",
          name: "{{name}}",
          messageTemplate: "{{message}}",
          wakeMode: "next-heartbeat",
          deliver: false,
          timeoutSeconds: 3600,
          allowUnsafeExternalContent: true,
        },
      ],
    },
    agents: { defaults: { workspace: "/srv/ws/webster", skipBootstrap: true } },
    skills: { load: { extraDirs: ["/srv/ws/webster/skills/delegate"] } },
    logging: { file: "/srv/cluster/instances/webster/openclaw.log" },
  });
  const more = openclawConfig({ ...CONFIG, hooksPath: "/in/agent", hasHeartbeat: false, hasBot: true });
  assert.deepEqual(differencesOf(more, openclawConfig(CONFIG)), [
    "hooks.path",
    "agents.defaults.heartbeat",
    "channels",
  ]);
  assert.equal((more["hooks"] as { path: string }).path, "/in");
});

test("what people add to a configuration is no difference, what they change or take away is one at its place", () => {
  const wanted = openclawConfig(CONFIG);
  const theirs = structuredClone(wanted) as {
    gateway: { port: number };
    hooks: { enabled?: boolean; mappings: object[] };
    models?: object;
  };
  theirs.models = { providers: {} };
  theirs.hooks.mappings = [{ id: "mine" }, ...theirs.hooks.mappings.map((one) => ({ ...one, model: "m" }))];
  assert.deepEqual(differencesOf(wanted, theirs), []);
  theirs.gateway.port = 1;
  delete theirs.hooks.enabled;
  theirs.hooks.mappings.pop();
  assert.deepEqual(differencesOf(wanted, theirs), ["gateway.port", "hooks.enabled", "hooks.mappings"]);
  assert.deepEqual(differencesOf(wanted, { ...theirs, gateway: "none" })[0], "gateway");
});

test("a gateway's process gets a few words of ours, the shared file, its own, and nothing else", () => {
  const env = processEnv({
    env: { PATH: "/bin", LC_ALL: "C", DISCORD_TOKEN: "ours", ORCHESTRATOR_API_KEY: "ours", HOME: "/root" },
    shared: { ANTHROPIC_API_KEY: "a", TZ: "UTC" },
    own: { HOME: "/srv/home", ANTHROPIC_API_KEY: "b", EMPTY: "" },
    mark: "keeper:/srv",
  });
  assert.deepEqual(env, {
    PATH: "/bin",
    LC_ALL: "C",
    TZ: "UTC",
    ANTHROPIC_API_KEY: "b",
    HOME: "/srv/home",
    HQ_INSTANCE: "keeper:/srv",
  });
});

test("`hq` inside an instance has the user's home again, and not the gateway's own secrets", () => {
  const inside = {
    HQ_INSTANCE: "keeper:/srv",
    HOME: "/srv/home",
    HQ_USER_HOME: "/home/ada",
    OPENCLAW_GATEWAY_TOKEN: "of the gateway",
    HQ_HOOKS_TOKEN: "h",
    DISCORD_BOT_TOKEN: "b",
    OPENCLAW_STATE_DIR: "/srv",
    HQ_AGENT_TOKEN: "hqa.webster.x",
    HQ_HOME: "/home/ada/.hq",
  };
  assert.deepEqual(outsideInstance(inside), {
    HOME: "/home/ada",
    HQ_AGENT_TOKEN: "hqa.webster.x",
    HQ_HOME: "/home/ada/.hq",
  });
  const outside = { HOME: "/home/ada", OPENCLAW_GATEWAY_TOKEN: "ours" };
  assert.equal(outsideInstance(outside), outside);
});

const TEMPLATE = {
  command: ["/usr/bin/node", "/opt/open claw/100%/index.js", "gateway", "$HOME"],
  dir: "/srv/my cluster",
  sharedEnv: "/srv/my cluster/shared.env",
  path: "/usr/bin:/bin",
  restartMs: 5000,
  startLimit: 5,
  stopGraceMs: 330_000,
};
const SUPERVISOR = {
  node: "/usr/bin/node",
  installation: "/opt/hq",
  home: "/srv/.hq",
  config: "/srv/config",
  path: "/usr/bin:/bin",
};

test("the template unit has the settings that are known to be right, the start limit in [Unit], and one environment an instance", () => {
  assert.equal(
    templateUnit(TEMPLATE),
    `# Written by \`hq cluster units\`. Your own changes: systemctl --user edit <unit>
[Unit]
Description=OpenClaw Atomizer - %i
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=simple
ExecStart=/usr/bin/node "/opt/open claw/100%%/index.js" gateway "$$HOME"
WorkingDirectory=/srv/my cluster/instances/%i
Environment="PATH=/usr/bin:/bin"
Environment="HQ_INSTANCE=systemd:/srv/my cluster/instances/%i"
Environment=DATABASE_URL= PGPASSWORD= OTEL_EXPORTER_OTLP_HEADERS=
UnsetEnvironment=DISCORD_TOKEN ORCHESTRATOR_AGENT_TOKEN CHIP_TOKEN ORCHESTRATOR_API_KEY HQ_SECRET
EnvironmentFile=-/srv/my cluster/shared.env
EnvironmentFile=/srv/my cluster/instances/%i/env
Restart=always
RestartSec=5
RestartPreventExitStatus=78
SuccessExitStatus=0 143
TimeoutStopSec=330
KillMode=mixed

[Install]
WantedBy=default.target
`,
  );
});

test("the supervisor's unit leaves workers alive, comes back always, and is wanted at boot", () => {
  const text = supervisorUnit(SUPERVISOR);
  const [head = "", ...sections] = text.split(/^\[/m);
  assert.match(head, /Written by `hq cluster units`/);
  assert.match(sections[0] ?? "", /^Unit\][^]*StartLimitIntervalSec=60\nStartLimitBurst=5\n/);
  for (const line of [
    "ExecStart=/usr/bin/node /opt/hq/bin/hq.js start",
    'Environment="HQ_HOME=/srv/.hq"',
    'Environment="HQ_CONFIG=/srv/config"',
    "Restart=always",
    "KillMode=process",
  ])
    assert.ok(sections[1]?.split("\n").includes(line), line);
  assert.match(sections[2] ?? "", /^Install\]\nWantedBy=default\.target\n$/);
});

/** The unit that docs/guide/operator.md gives for a user of its own. */
function unitOfGuide(): string {
  const guide = readFileSync(join(import.meta.dirname, "../../docs/guide/operator.md"), "utf8");
  return /```ini\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
}

const hasVerifier = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd itself finds nothing wrong with the units, where it is installed", (t) => {
  if (!hasVerifier) return t.diagnostic("systemd-analyze is not installed; the texts are checked above");
  const root = clusterFolder(t);
  const dir = join(root, "cluster");
  mkdirSync(join(dir, "instances", "webster"), { recursive: true });
  writeFileSync(join(dir, "instances", "webster", "env"), "");
  const command = [process.execPath, "/opt/open claw/index.js", "gateway"];
  const texts = {
    "openclaw-atomizer@webster.service": templateUnit({ ...TEMPLATE, command, dir }),
    "hq.service": supervisorUnit({ ...SUPERVISOR, node: process.execPath, installation: root }),
    "atomizer-hq.service": unitOfGuide().replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`),
  };
  for (const [name, text] of Object.entries(texts)) {
    const file = join(root, name);
    writeFileSync(file, text);
    // Its own folders only: what else is installed on the machine has faults of its own.
    const env = { PATH: process.env["PATH"], HOME: root, XDG_RUNTIME_DIR: root };
    const { status, stderr } = spawnSync("systemd-analyze", ["--user", "verify", file], {
      env,
      encoding: "utf8",
    });
    const ours = stderr
      .split("\n")
      .filter((line) => line.includes(name) || /Unknown|Failed to parse/.test(line));
    assert.deepEqual([status, ours], [0, []], stderr);
  }
});

test("the last lines of a log are read from its end, over the part that was set aside", (t) => {
  const root = clusterFolder(t);
  const log = join(root, "gateway.log");
  assert.deepEqual(lastLines(log, 5), { lines: [], end: 0 });
  writeFileSync(`${log}.1`, "one\ntwo\n");
  writeFileSync(log, `three\n${"x".repeat(200_000)}\nlast without a break`);
  assert.deepEqual(lastLines(log, 1).lines, ["last without a break"]);
  const { lines, end } = lastLines(log, 4);
  assert.deepEqual(
    [lines[0], lines[1], lines[2]?.length, lines[3]],
    ["two", "three", 200_000, "last without a break"],
  );
  writeFileSync(log, "new\n");
  assert.deepEqual(readFrom(log, end), { bytes: Buffer.from("new\n"), end: 4 });
  assert.equal(readFrom(log, 4).bytes.length, 0);
});

test("systemd's own programs get what they need, and nothing secret", () => {
  const env = {
    PATH: "/bin",
    HOME: "/home/ada",
    XDG_RUNTIME_DIR: "/run/user/1",
    DISCORD_TOKEN: "a",
    LANG: undefined,
  };
  assert.deepEqual(systemdEnv(env), { PATH: "/bin", HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/1" });
});
