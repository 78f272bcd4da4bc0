import { randomBytes } from "node:crypto";
import { basename, join, relative } from "node:path";
import { BOT_TOKEN, GATEWAY_TOKEN, HOOKS_TOKEN, instanceEnv } from "../../agents/cluster/environment.ts";
import { openclawConfig } from "../../agents/cluster/openclaw-config.ts";
import { sharedEnvOf } from "../../agents/cluster/place.ts";
import { skillsIn } from "../../agents/cluster/skills.ts";
import { WORKSPACE_FOLDERS, workspaceFiles } from "../../agents/cluster/workspace.ts";
import { agentToken, loadCredentials } from "../../app/credentials.ts";
import { makeHome } from "../../app/home.ts";
import { DEFAULT_HOOKS_PATH, DEFAULT_TOKEN_ENV } from "../../config/agents-schema.ts";
import { readEnvFile, writeEnvFile } from "../../config/env-file.ts";
import { makeFolder } from "../../handoffs/make-folder.ts";
import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { type FileReport, furnishEnv, furnishFolder, furnishJson, furnishText } from "./furnish.ts";
import { type Cluster, type Instance, readCluster, realOf } from "./here.ts";

export type InitOptions = { readonly dryRun?: true; readonly json?: true };

type InstanceReport = {
  readonly id: string;
  readonly port: number;
  readonly folder: string;
  readonly workspace: string;
  readonly files: readonly FileReport[];
};

const SHARED = `# Variables that every gateway of this cluster gets, such as the key of your model provider:
# ANTHROPIC_API_KEY=
# An agent's own file (instances/<id>/env) wins over this one. Keep bots' tokens out of here.
`;

/** Writes what the gateways need and nobody has written yet. The second time it changes nothing. */
export function runInit(io: Io, words: readonly string[], options: InitOptions): number {
  const isDry = options.dryRun === true;
  const first = readCluster(io, words);
  // Only then has the folder its real path, by which processes are told.
  if (!isDry) makeFolder(first.dir);
  const cluster = isDry ? first : readCluster(io, words);
  const tokens = hooksTokens(cluster);
  const secretOf = agentTokens(cluster, isDry);
  const shared = furnishText(sharedEnvOf(cluster.dir), SHARED, { isDry, mode: 0o600 });
  const instances = cluster.instances.map((instance): InstanceReport => {
    const { id, port, place, workspace } = instance;
    const files = furnish(cluster, instance, {
      isDry,
      hooksToken: tokens.valueOf(instance),
      agentToken: secretOf(id),
    });
    return { id, port, folder: place.folder, workspace, files };
  });
  if (!isDry && Object.keys(tokens.made).length > 0) writeEnvFile(cluster.here.envFile, tokens.made);
  const report = {
    dir: cluster.dir,
    dryRun: isDry,
    shared,
    env: { file: cluster.here.envFile, written: Object.keys(tokens.made) },
    instances,
  };
  const notices = noticesOf(cluster);
  if (options.json) io.out(`${jsonText({ ...report, notices })}\n`);
  else io.out(reportText(report));
  for (const notice of notices) io.err(`${notice}\n`);
  if (!isDry && report.env.written.length > 0)
    io.err(`HQ reads ${report.env.file} at its start: restart it when it runs.\n`);
  if (!options.json && !isDry && shared.state === "written")
    io.err(`Put your model provider's key into ${sharedEnvOf(cluster.dir)}, then: hq cluster start\n`);
  return 0;
}

function furnish(
  { here }: Cluster,
  { card, port, place, workspace }: Instance,
  given: { readonly isDry: boolean; readonly hooksToken: string; readonly agentToken: string },
): readonly FileReport[] {
  const { isDry, hooksToken } = given;
  const kept = readEnvFile(place.env);
  const botToken = botTokenOf(here.env, card.id) ?? kept[BOT_TOKEN];
  const env = instanceEnv({
    place,
    hooksToken,
    gatewayToken: kept[GATEWAY_TOKEN] ?? secret(),
    botToken,
    agentToken: given.agentToken,
    home: realOf(here.place.home),
    config: realOf(here.place.dir),
    userHome: here.env["HOME"],
  });
  const wanted = openclawConfig({
    place,
    port,
    hooksPath: card.hooksPath,
    workspace,
    skills: skillsIn(join(here.place.installation, "skills")).map((name) => join(workspace, "skills", name)),
    hasHeartbeat: card.heartbeat !== false,
    hasBot: botToken !== undefined,
  });
  return [
    furnishFolder(place.folder, { isDry, mode: 0o700 }),
    furnishFolder(place.home, { isDry, mode: 0o700 }),
    furnishJson(place.config, wanted, { isDry, mode: 0o600 }),
    furnishEnv(place.env, env, { isDry }),
    furnishFolder(workspace, { isDry }),
    ...WORKSPACE_FOLDERS.map((name) => furnishFolder(join(workspace, name), { isDry })),
    ...Object.entries(workspaceFiles(card)).map(([name, text]) =>
      furnishText(join(workspace, name), text, { isDry }),
    ),
  ];
}

/** What HQ sends and the gateway accepts: what the environment or .env says, else what the instance has, else a new one. */
function hooksTokens({ here, instances }: Cluster) {
  const users = Map.groupBy(instances, nameOfToken);
  const missing = [...users].filter(([name]) => !here.env[name]);
  const made: Readonly<Record<string, string>> = Object.fromEntries(
    missing.map(([name, group]) => {
      const kept = group.flatMap(({ place }) => readEnvFile(place.env)[HOOKS_TOKEN] ?? []);
      return [name, kept[0] ?? secret()];
    }),
  );
  return {
    made,
    valueOf: (instance: Instance): string => {
      const name = nameOfToken(instance);
      return here.env[name] || made[name] || "";
    },
  };
}

const nameOfToken = ({ card }: Instance): string => card.tokenEnv ?? DEFAULT_TOKEN_ENV;

/** A dry run makes no secret: it cannot say whether the token that an instance has is the right one. */
function agentTokens({ here, instances }: Cluster, isDry: boolean): (id: string) => string {
  if (isDry) {
    const kept = new Map(instances.map(({ id, place }) => [id, readEnvFile(place.env)["HQ_AGENT_TOKEN"]]));
    return (id) => kept.get(id) ?? "";
  }
  makeHome(here.place.home);
  const { secret } = loadCredentials(here.place.home, here.env);
  return (id) => agentToken(secret, id);
}

const secret = () => randomBytes(24).toString("hex");

/** WEBSTER_DISCORD_TOKEN, or DISCORD_TOKEN_WEBSTER. */
function botTokenOf(env: Readonly<Record<string, string | undefined>>, id: string): string | undefined {
  const name = id.toUpperCase().replaceAll("-", "_");
  return env[`${name}_DISCORD_TOKEN`] || env[`DISCORD_TOKEN_${name}`] || undefined;
}

function noticesOf({ instances, elsewhere }: Cluster): readonly string[] {
  const byToken = Map.groupBy(instances, nameOfToken);
  const shared = [...byToken].filter(([, users]) => users.length > 1);
  const plain = instances.filter(({ card }) => card.hooksPath === DEFAULT_HOOKS_PATH);
  return [
    ...(elsewhere.length === 0 ? [] : [`Not on this machine, left out: ${elsewhere.join(", ")}.`]),
    ...shared.map(
      ([name, users]) =>
        `${users.map(({ id }) => id).join(", ")} share one hooks token (${name}): each could address the others past HQ and its rules. Give each its own with token_env in config/agents.yaml.`,
    ),
    ...(plain.length === 0
      ? []
      : [
          `HQ calls ${plain.map(({ id }) => id).join(", ")} at ${DEFAULT_HOOKS_PATH}, where OpenClaw marks every prompt as untrusted. The mapping is there: set hooks_path: /hooks/delegate in config/agents.yaml (docs/guide/openclaw.md).`,
        ]),
  ];
}

function reportText(report: {
  readonly dir: string;
  readonly dryRun: boolean;
  readonly shared: FileReport;
  readonly env: { readonly file: string; readonly written: readonly string[] };
  readonly instances: readonly InstanceReport[];
}): string {
  const would = report.dryRun ? "would be " : "";
  const lines = report.instances.flatMap(({ id, port, folder, workspace, files }) => [
    `${id}  port ${port}  ${folder}  workspace ${workspace}`,
    ...(["written", "completed", "differs", "kept"] as const).flatMap((state) => {
      const some = files.filter((file) => file.state === state).map((file) => fileText(file, workspace));
      const word = state === "written" || state === "completed" ? `${would}${state}` : state;
      return some.length === 0 ? [] : [`  ${word}: ${some.join(", ")}`];
    }),
  ]);
  const { env, shared } = report;
  if (shared.state === "written") lines.push(`${shared.path} ${would}written`);
  if (env.written.length > 0) lines.push(`${env.file} ${would}given ${env.written.join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function fileText({ path, differences = [] }: FileReport, workspace: string): string {
  const inside = relative(workspace, path);
  const isOfWorkspace = !inside.startsWith("..");
  const name = isOfWorkspace ? join("workspace", inside) : basename(path);
  return differences.length === 0 ? name : `${name} (${differences.join(", ")})`;
}
