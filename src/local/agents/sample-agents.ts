import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../kernel/id.ts";
import type { Answer, Question } from "./answer.ts";
import { assignmentIn } from "./assignment.ts";
import { auditor } from "./auditor.ts";
import { manager, nxExpert, optimizer, secretary, standIn, studyBuilder } from "./colleagues.ts";
import { deskWork } from "./desk/desk.ts";
import { isInside, writeWhole } from "./hand-back.ts";
import { type Admitted, createHookServer } from "./hook-server.ts";
import { MATERIALS, materialsIn } from "./materials.ts";
import { handBack, handoffText, tricked, writeArtifact } from "./run.ts";
import { rollCall, withTurn } from "./session.ts";
import { techLead } from "./tech-lead.ts";
import { tricksIn } from "./tricks.ts";
import { webster } from "./webster.ts";

/** The cluster's agents in port order; what each says when asked. */
const COLLEAGUES: Readonly<Record<string, (question: Question) => Answer>> = {
  manager,
  "tech-lead": techLead,
  secretary,
  auditor,
  optimizer,
  "study-builder": studyBuilder,
  "nx-expert": nxExpert,
  webster,
};
export const SAMPLE_AGENTS: readonly string[] = Object.keys(COLLEAGUES);
const VERSION = "sample-1";
const PORT_STEP = 4;

export type SampleLog = {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
};

export type SampleAgentsOptions = {
  /** Who is played; the cluster's eight by default. */
  readonly agents?: readonly string[];
  /** 0 = free ports; otherwise the first agent's, the others follow at steps of 4. */
  readonly ports: number;
  /** The only folder they write to, unless there are `handoffDirs`. */
  readonly handoffDir: string;
  /** The folders that they may write to by now: artifacts go into the first. */
  readonly handoffDirs?: () => readonly string[];
  readonly now: () => number;
  readonly log?: SampleLog;
  /** The hooks token an agent asks for; undefined = none. */
  readonly tokens?: (agent: string) => string | undefined;
  /** How long every answer takes; otherwise 1.5–3 s, the same for the same run. */
  readonly delayMs?: number;
  /** Between the two halves or copies that `[truncated]` and `[twice]` write. 400 by default. */
  readonly pauseMs?: number;
  /** Where accepted runs are kept until they are handed back, to be taken up again after a crash; `.sample-agents` in the handoff folder by default. */
  readonly jobsDir?: string;
};

type Job = {
  readonly agent: string;
  readonly hookRunId: string;
  readonly message: string;
  readonly key?: string;
  readonly acceptedAt: number;
};

/** Small agents on loopback behind the hooks contract, in this process. They think little and say so. */
export async function createSampleAgents(options: SampleAgentsOptions) {
  const { now, log } = options;
  const jobsDir = options.jobsDir ?? join(options.handoffDir, ".sample-agents");
  const pauseMs = options.pauseMs ?? 400;
  const dirsNow = () => [...(options.handoffDirs?.() ?? []), options.handoffDir];
  const timers = new Map<NodeJS.Timeout, () => void>();
  const turnedAway = new Set<string>();
  let stopped = false;
  const work = new Set<Promise<void>>();

  const sleep = (ms: number) =>
    new Promise<void>((wake) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        wake();
      }, ms);
      timers.set(timer, wake);
    });

  const jobPath = (hookRunId: string) => join(jobsDir, `${hookRunId}.json`);

  function delayOf(runId: string, slowMs: number | undefined): number {
    if (slowMs !== undefined) return slowMs;
    return options.delayMs ?? 1500 + (Number.parseInt(digestOf(runId).slice(0, 6), 16) % 1500);
  }

  /** `[busy]` turns the first POST of an attempt away, as a full gateway does. */
  function isBusy(message: string): boolean {
    const assignment = assignmentIn(message);
    if (!assignment || !tricksIn(assignment.objective).tricks.words.has("busy")) return false;
    const attempt = `${assignment.runId}#${assignment.attempt}`;
    if (turnedAway.has(attempt)) return false;
    turnedAway.add(attempt);
    return true;
  }

  /** Resolves with false when the process stopped first: the job stays for the next start. */
  async function carryOut(agent: string, run: Admitted, acceptedAt: number): Promise<boolean> {
    const assignment = assignmentIn(run.message);
    if (!assignment) {
      log?.warn({ agent, hookRun: run.hookRunId }, "sample agent: message names no run or no handoff place");
      return true;
    }
    const ids = { agent, run: assignment.runId, attempt: assignment.attempt };
    const { back } = assignment;
    if (back.via === "file" && !dirsNow().some((dir) => isInside(dir, back.path))) {
      log?.warn(ids, "sample agent: handoff path lies outside the handoff folder");
      return true;
    }
    const { tricks, rest } = tricksIn(assignment.objective);
    if (tricks.words.has("silent")) {
      log?.info(ids, "sample agent: stays silent as asked");
      return true;
    }
    const delayMs = delayOf(assignment.runId, tricks.slowMs);
    await sleep(Math.max(0, acceptedAt + delayMs - now()));
    if (stopped) return false;
    const material = tricksIn(assignment.material).rest;
    const { schema } = assignment;
    const question = { agent, objective: rest, material, ...(schema === undefined ? {} : { schema }) };
    const honest = rollCall(question) ?? deskWork(question) ?? (COLLEAGUES[agent] ?? standIn)(question);
    const answer = tricked(withTurn(honest, material), tricks, assignment.attempt);
    const artifacts = tricks.words.has("artifact")
      ? [writeArtifact(dirsNow()[0] ?? options.handoffDir, assignment.runId, tableOf(rest))]
      : [];
    // The instant is the planned one, so that a run taken up again writes the same bytes.
    const text = handoffText(agent, assignment, answer, artifacts, acceptedAt + delayMs);
    const how = await handBack(assignment, tricks, text, () => sleep(pauseMs));
    log?.info({ ...ids, status: answer.status, how }, "sample agent: handed back");
    return true;
  }

  function begin(agent: string, run: Admitted & { readonly key?: string }, acceptedAt: number): void {
    const { hookRunId, message, key } = run;
    const path = jobPath(hookRunId);
    const job: Job = { agent, hookRunId, message, acceptedAt, ...(key ? { key } : {}) };
    writeWhole(path, JSON.stringify(job));
    const finished = carryOut(agent, run, acceptedAt)
      .catch((cause: unknown) => {
        const error = cause instanceof Error ? cause.message : String(cause);
        log?.warn({ agent, hookRun: hookRunId, error }, "sample agent: could not hand back");
        return true;
      })
      .then((settled) => {
        run.done();
        work.delete(finished);
        if (settled) rmSync(path, { force: true });
      });
    work.add(finished);
  }

  const servers = new Map<string, ReturnType<typeof createHookServer>>();
  const addresses = new Map<string, string>();

  /** Each has a server from now on; whoever had one keeps it. */
  async function employ(agents: readonly string[]): Promise<void> {
    for (const agent of agents) {
      if (stopped || servers.has(agent)) continue;
      const port = options.ports === 0 ? 0 : options.ports + PORT_STEP * servers.size;
      const server = createHookServer({
        agent,
        version: VERSION,
        now,
        token: () => options.tokens?.(agent),
        busy: isBusy,
        admitted: (run, acceptedAt) => begin(agent, run, acceptedAt),
      });
      const url = await server.listen(port);
      if (stopped) return server.close();
      servers.set(agent, server);
      addresses.set(agent, url);
    }
  }

  async function stop(): Promise<void> {
    stopped = true;
    for (const [timer, wake] of timers) {
      clearTimeout(timer);
      wake();
    }
    timers.clear();
    await Promise.all([...servers.values()].map((server) => server.close()));
    await Promise.all(work);
  }

  function takeUp(): void {
    mkdirSync(jobsDir, { recursive: true });
    for (const name of readdirSync(jobsDir).filter(
      (name) => name.endsWith(".json") && !name.startsWith("."),
    )) {
      const job = JSON.parse(readFileSync(join(jobsDir, name), "utf8")) as Job;
      servers.get(job.agent)?.resume(job);
    }
  }

  try {
    await employ(options.agents ?? SAMPLE_AGENTS);
    takeUp();
    return { addresses: addresses as ReadonlyMap<string, string>, employ, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

export type SampleAgents = Awaited<ReturnType<typeof createSampleAgents>>;

function tableOf(objective: string): string {
  const named = materialsIn(objective);
  const rows = (named.length > 0 ? named : MATERIALS).map(
    ({ name, expansion, density, modulus, conductivity, source }) =>
      [
        name,
        expansion.nominal,
        expansion.tolerance ?? "",
        expansion.fromC,
        expansion.toC,
        density,
        modulus,
        conductivity,
        source,
      ]
        .map((cell) => `"${String(cell).replaceAll('"', '""')}"`)
        .join(","),
  );
  const head =
    "material,cte_nominal_ppm_per_k,cte_tolerance_ppm_per_k,from_c,to_c,density_g_cm3,modulus_gpa,conductivity_w_mk,source";
  return `${[head, ...rows].join("\n")}\n`;
}
