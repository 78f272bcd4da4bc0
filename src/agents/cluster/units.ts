import { MARK } from "./environment.ts";

export const TEMPLATE_UNIT = "openclaw-atomizer@.service";
export const SUPERVISOR_UNIT = "hq.service";
export const unitOf = (id: string): string => `openclaw-atomizer@${id}.service`;

/** The first line of what we write; a file without it is somebody else's. */
export const WRITTEN_BY = "# Written by `hq cluster units`. Your own changes: systemctl --user edit <unit>";

/** Of the supervisor's own environment, nothing reaches an agent. */
const OURS = ["DISCORD_TOKEN", "ORCHESTRATOR_AGENT_TOKEN", "CHIP_TOKEN", "ORCHESTRATOR_API_KEY", "HQ_SECRET"];
/** Likewise; but an agent may have one of its own, in a file that comes after this. */
const OURS_OR_ITS_OWN = ["DATABASE_URL", "PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"];
const START_LIMITS = (starts: number) => [`StartLimitIntervalSec=60`, `StartLimitBurst=${starts}`];

/** The unit of every instance; what follows the @ is the agent's id. */
export function templateUnit(given: {
  /** Its first word is an absolute path. */
  readonly command: readonly string[];
  readonly dir: string;
  readonly sharedEnv: string;
  readonly path: string;
  readonly restartMs: number;
  readonly startLimit: number;
  readonly stopGraceMs: number;
}): string {
  const folder = `${fixed(given.dir)}/instances/%i`;
  return unit({
    Unit: ["Description=OpenClaw Atomizer - %i", ...START_LIMITS(given.startLimit)],
    Service: [
      "Type=simple",
      `ExecStart=${given.command.map(word).join(" ")}`,
      `WorkingDirectory=${folder}`,
      `Environment=${quoted(`PATH=${fixed(given.path)}`)}`,
      `Environment=${quoted(`${MARK}=systemd:${folder}`)}`,
      `Environment=${OURS_OR_ITS_OWN.map((name) => `${name}=`).join(" ")}`,
      `UnsetEnvironment=${OURS.join(" ")}`,
      `EnvironmentFile=-${fixed(given.sharedEnv)}`,
      `EnvironmentFile=${folder}/env`,
      "Restart=always",
      `RestartSec=${seconds(given.restartMs)}`,
      "RestartPreventExitStatus=78",
      "SuccessExitStatus=0 143",
      `TimeoutStopSec=${seconds(given.stopGraceMs)}`,
      "KillMode=mixed",
    ],
    Install: ["WantedBy=default.target"],
  });
}

/** The unit of the supervisor. What it began outlives it: workers are found again by the next one. */
export function supervisorUnit(given: {
  readonly node: string;
  readonly installation: string;
  readonly home: string;
  readonly config: string;
  readonly path: string;
}): string {
  const command = [given.node, `${given.installation}/bin/hq.js`, "start"];
  return unit({
    Unit: ["Description=Atomizer HQ", ...START_LIMITS(5)],
    Service: [
      "Type=simple",
      `ExecStart=${command.map(word).join(" ")}`,
      `WorkingDirectory=${fixed(given.installation)}`,
      `Environment=${quoted(`PATH=${fixed(given.path)}`)}`,
      `Environment=${quoted(`HQ_HOME=${fixed(given.home)}`)}`,
      `Environment=${quoted(`HQ_CONFIG=${fixed(given.config)}`)}`,
      "Restart=always",
      "RestartSec=5",
      "# The input is wrong: another start cannot mend that.",
      "RestartPreventExitStatus=2",
      "# Workers outlive it, each in a control group of its own.",
      "KillMode=process",
      "Delegate=yes",
      "TimeoutStopSec=40",
    ],
    Install: ["WantedBy=default.target"],
  });
}

function unit(sections: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(sections).map(([name, lines]) => `[${name}]\n${lines.join("\n")}\n`);
  return `${WRITTEN_BY}\n${parts.join("\n")}`;
}

/** systemd reads % as the beginning of a specifier. */
const fixed = (text: string) => text.replaceAll("%", "%%");
const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const seconds = (ms: number) => `${Math.ceil(ms / 100) / 10}`;

/** One word of ExecStart, in which $ would begin a variable. */
function word(text: string): string {
  const plain = fixed(text).replaceAll("$", "$$$$");
  return /^[\w./:@%+,=~-]+$/.test(text) ? plain : quoted(plain);
}
