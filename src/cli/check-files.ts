import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkSecret } from "../app/credentials.ts";
import { refuseUnfitKey } from "../app/exposure.ts";
import { readMode, readPort, refuseOnePort } from "../app/mode.ts";
import { checkDatabase } from "../app/store.ts";
import { workflowPlaceOf } from "../app/workflow-place.ts";
import { checkConfig } from "../config/check.ts";
import { lackingAgents } from "../config/lacking-agents.ts";
import { renderProblems } from "../config/render-problems.ts";
import { loadWorkflows } from "../config/workflows.ts";
import type { Config, ConfigProblem } from "../domain/config.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { counted } from "../kernel/text.ts";
import { type Installation, readInstallation } from "./installation.ts";
import type { Io } from "./io.ts";
import { jsonText } from "./print.ts";

const INVALID = 2;

/** 0 when the supervisor would start with these files and every workflow could run, else 2. */
export function runCheck(io: Io, options: { readonly json?: boolean }): number {
  const here = readInstallation(io);
  const checked = checkConfig(here.place);
  const environment = checkEnvironment(here, checked.ok ? checked.config : undefined);
  // Workflows name agents and capabilities: without a registry there is nothing to check them against.
  const workflows = checked.ok ? loadWorkflows(workflowPlaceOf(checked.config)) : undefined;
  const problems = [
    ...(checked.ok ? [] : checked.problems),
    ...(workflows?.problems ?? []),
    ...environment.problems,
  ];
  const advice = workflows?.advice ?? [];
  const warnings = [
    ...checked.warnings,
    ...(workflows?.warnings ?? []),
    ...environment.warnings,
    ...advice.filter(({ isNote }) => !isNote),
  ];
  const dreams = advice.filter(({ isNote }) => isNote);
  const lacking = lackingAgents(workflows?.problems ?? []);
  const notes = [...dreams, ...(lacking ? [lacking] : [])];
  const code = problems.length === 0 ? 0 : INVALID;
  if (options.json) {
    io.out(`${jsonText({ ok: code === 0, problems, warnings, notes })}\n`);
    return code;
  }
  const say = (word: string, problem: ConfigProblem) =>
    io.err(`${word}: ${renderProblems([problem], io.cwd)}\n`);
  io.err(dreamsText(dreams));
  for (const warning of warnings) say("warning", warning);
  for (const problem of problems) say("error", problem);
  if (lacking) say("note", lacking);
  if (checked.ok && code === 0) {
    const { files, registry } = checked.config;
    const found = [
      counted(files.length, "file"),
      counted(registry.agents.length, "agent"),
      counted(workflows?.entries.length ?? 0, "workflow"),
    ];
    io.out(`Valid: ${found.join(", ")}.\n`);
  } else io.err(`${counted(problems.length, "problem")} to mend.\n`);
  return code;
}

/** They are the same at every check: one line says that there are some, JSON names each. */
function dreamsText(dreams: readonly ConfigProblem[]): string {
  const files = new Set(dreams.map(({ file }) => file)).size;
  const who = `${counted(files, "workflow")} ${files === 1 ? "has" : "have"} steps whose agents may delegate on`;
  return files === 0 ? "" : `note: recursive dream: ${who} (hq check --json names them)\n`;
}

/** What `.env` and the environment say, by the rules of the supervisor's start. */
function checkEnvironment(
  { place, envFile, env }: Installation,
  config: Config | undefined,
): {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const read = <T>(reading: () => T, at = { file: envFile, path: "" }): T | undefined => {
    try {
      return reading();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const more = thrown.hint === undefined ? {} : { suggestion: thrown.hint };
      problems.push({ ...at, message: thrown.message, ...more });
      return undefined;
    }
  };
  const said = read(() => readMode(env));
  for (const message of said?.notices ?? []) warnings.push({ file: envFile, path: "", message });
  const [api, guild] = [read(() => readPort(env, "HQ_PORT")), read(() => readPort(env, "HQ_GUILD_PORT"))];
  read(() => {
    if (said && api !== undefined && guild !== undefined) refuseOnePort(said.mode, { api, guild });
  });
  const inFile = { file: join(place.dir, "hq.yaml"), path: "database" };
  read(() => checkDatabase(env, config), env["DATABASE_URL"] ? undefined : inFile);
  read(() => checkSecret(env));
  read(() => config && refuseUnfitKey(config.settings.api, env));
  if (isReadByOthers(envFile)) {
    const suggestion = `chmod 600 ${envFile}`;
    warnings.push({
      file: envFile,
      path: "",
      message: "holds secrets, and other users may read it",
      suggestion,
    });
  }
  return { problems, warnings };
}

export function isReadByOthers(file: string): boolean {
  return existsSync(file) && (statSync(file).mode & 0o077) !== 0;
}
