import { type ReadMode, readMode } from "../../app/mode.ts";
import { workflowPlaceOf } from "../../app/workflow-place.ts";
import { botTokenFrom } from "../../config/bot-token.ts";
import { checkConfig } from "../../config/check.ts";
import { renderProblems } from "../../config/render-problems.ts";
import { loadWorkflows } from "../../config/workflows.ts";
import type { Config } from "../../domain/config.ts";
import type { WorkflowDefinition } from "../../domain/workflow-types.ts";
import { isRefusal } from "../../kernel/refusal.ts";
import { counted } from "../../kernel/text.ts";
import { isReadByOthers } from "../check-files.ts";
import { type Installation, readInstallation } from "../installation.ts";
import type { Io } from "../io.ts";
import { jsonText } from "../print.ts";
import { checkAgents } from "./agent-checks.ts";
import { checkDatabase, checkLedgerFile } from "./database-check.ts";
import { checkDiscord } from "./discord-checks.ts";
import { checkExposure } from "./exposure-check.ts";
import { type Finding, fail, ok, renderFindings, skip, warn } from "./finding.ts";
import { checkDisk, checkHold, checkHome, checkKeys, checkNode, checkSupervisor } from "./machine-checks.ts";

/** Looks at everything that a start needs. 0 when nothing fails, else 1. */
export async function runDoctor(io: Io, options: { readonly json?: boolean }): Promise<number> {
  const here = readInstallation(io);
  const findings = [...(await examineMachine(here, io)), ...(await examineRest(here, io))];
  const isWell = findings.every(({ status }) => status !== "fail");
  io.out(options.json ? `${jsonText({ ok: isWell, findings })}\n` : renderFindings(findings));
  return isWell ? 0 : 1;
}

async function examineMachine({ env, place, version }: Installation, io: Io): Promise<readonly Finding[]> {
  return [
    checkNode(process.versions.node),
    checkDisk(place.home),
    ...checkHome(place.home),
    ...checkKeys(place.home, env),
    ...checkHold(place.home),
    await checkSupervisor({ home: place.home, version, now: io.now }),
  ];
}

async function examineRest(here: Installation, io: Io): Promise<readonly Finding[]> {
  const { env, place, version } = here;
  const checked = checkConfig(place);
  const config = checked.ok ? checked.config : undefined;
  const environment = examineEnvironment(here);
  const found: Finding[] = [
    checked.ok
      ? ok("config", `${counted(checked.config.files.length, "file is", "files are")} valid`)
      : fail("config", "the files are not valid", renderProblems(checked.problems, io.cwd)),
    ...checked.warnings.map(({ suggestion, ...warning }) =>
      warn("config", renderProblems([warning], io.cwd), suggestion ?? "mend it, or leave it so"),
    ),
    ...environment.findings,
    ...checkLedgerFile(env, config, place.home),
    ...(await checkDatabase(env, config, place.home)),
    ...(config ? [checkExposure(config, env)] : []),
  ];
  const token = botTokenFrom(env);
  if (token) {
    const access = { token: token.token, guildId: env["GUILD_ID"], api: env["DISCORD_API"] };
    found.push(...(await checkDiscord(access, config, io.now, config ? workflowsOf(config) : [])));
  } else found.push(skip("token", "no bot token: hq start opens the local guild"));
  if (config)
    found.push(
      ...(await checkAgents({ config, env, version, now: io.now, samples: environment.mode?.samples })),
    );
  return found;
}

function workflowsOf(config: Config): readonly WorkflowDefinition[] {
  return loadWorkflows(workflowPlaceOf(config)).entries.flatMap(({ definition }) => definition ?? []);
}

function examineEnvironment({ env, envFile }: Installation): {
  readonly mode?: ReadMode;
  readonly findings: readonly Finding[];
} {
  const findings = isReadByOthers(envFile)
    ? [warn("environment", ".env holds secrets, and other users may read it", `chmod 600 ${envFile}`)]
    : [];
  try {
    const mode = readMode(env);
    const notices = mode.notices.map((notice) => warn("environment", notice, `rename it in ${envFile}`));
    return { mode, findings: [...findings, ...notices] };
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return {
      findings: [...findings, fail("environment", thrown.message, thrown.hint ?? `correct it in ${envFile}`)],
    };
  }
}
