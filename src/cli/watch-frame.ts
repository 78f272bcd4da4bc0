import { exampleAgent } from "../domain/agent-card.ts";
import type { NowView } from "../engine/now.ts";
import { cut, oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";

export type Size = { readonly columns: number; readonly rows: number };
type Block = { readonly title: string; readonly lines: readonly string[]; readonly hasMore: boolean };

/** At least so many lines of each block are shown before another one gets more. */
const LEAST_LINES = 3;

/** The screen: what runs, waits and is late, as much as there is room for, the most urgent first. `trouble` = no supervisor. */
export function frameOf(now: NowView, nowMs: number, size: Size, trouble?: string): readonly string[] {
  const head = headLines(now, nowMs, trouble);
  const blocks = blocksOf(now, nowMs).filter(({ lines }) => lines.length > 0);
  const room = size.rows - 1 - head.length - 2 * blocks.length;
  const shares = shareOut(
    blocks.map(({ lines }) => lines.length),
    Math.max(0, room),
  );
  const shown = blocks.flatMap(({ title, lines, hasMore }, index) => {
    const share = shares[index] ?? 0;
    const left = lines.length - share;
    const more =
      left > 0 || hasMore ? ` · ${left > 0 ? `${left}${hasMore ? "+" : ""}` : "some"} more not shown` : "";
    return ["", `${title}${more}`, ...lines.slice(0, share)];
  });
  const quiet = blocks.every(({ title }) => title === "AGENTS")
    ? ["", `Nothing is open. Hand work over: hq delegate ${exampleAgent(now.agents) ?? "AGENT"} "…"`]
    : [];
  return [...head, ...quiet, ...shown]
    .slice(0, size.rows - 1)
    .map((line) => cut(oneLine(line, 500), size.columns - 1));
}

function headLines(now: NowView, nowMs: number, trouble: string | undefined): readonly string[] {
  const { version, mode, ready, checks } = now;
  const clock = new Date(nowMs).toISOString().slice(11, 19);
  const state = trouble ?? (ready ? "ready" : "not ready");
  const bad = checks.filter(({ ok }) => !ok).map(({ name, text }) => `! ${name}: ${text}`);
  return [`Atomizer HQ ${version} · ${mode} · ${state} · ${clock}Z · Ctrl-C leaves`, sumLine(now), ...bad];
}

/** What there is in a line: `1 run · 2 delegations · 1 late · 1 gate waits for people`. */
function sumLine({ runs, delegations, tasks, gates, more }: NowView): string {
  const late = [...runs, ...delegations, ...tasks].filter((item) => item.late).length;
  const count = (many: readonly unknown[], word: string, hasMore = false) =>
    `${many.length}${hasMore ? "+" : ""} ${word}${many.length === 1 && !hasMore ? "" : "s"}`;
  return [
    count(runs, "run", more.runs),
    count(delegations, "delegation", more.delegations),
    count(tasks, "task", more.tasks),
    ...(gates.length > 0 ? [`${count(gates, "gate")} for people`] : []),
    ...(late > 0 ? [`${late} late`] : []),
  ].join(" · ");
}

function blocksOf(now: NowView, nowMs: number): readonly Block[] {
  const since = (at: number) => formatDuration(Math.max(0, nowMs - at)).padStart(7);
  const late = (item: { readonly late: boolean; readonly lateWhy?: string }) =>
    item.late ? `  LATE${item.lateWhy === undefined ? "" : `: ${item.lateWhy}`}` : "";
  return [
    {
      title: "FOR PEOPLE",
      hasMore: false,
      lines: now.gates.map(
        (gate) =>
          `? ${since(gate.openedAt)}  ${gate.run} ${gate.step}  ${gate.approvals.length}/${gate.min}  ${gate.prompt}${gate.late ? "  LATE" : ""}`,
      ),
    },
    {
      title: "RUNS",
      hasMore: now.more.runs,
      lines: now.runs.map(({ id, since: at, progress, waiting, stopped, asker, ...run }) => {
        const sign = waiting === undefined ? "▸" : "?";
        const why = stopped
          ? "  stopped, waits for an answer"
          : waiting === "gate"
            ? "  waits for people"
            : "";
        return `${sign} ${since(at)}  ${id}  ${progress.settled}/${progress.total} steps  ${asker}${why}${late(run)}`;
      }),
    },
    {
      title: "DELEGATIONS",
      hasMore: now.more.delegations,
      lines: now.delegations.map(
        ({ id, agent, status, since: at, attempt, maxAttempts, waiting, objective, ...one }) => {
          const sign = status === "dispatched" ? "▸" : "·";
          const attempts = attempt > 1 ? `  attempt ${attempt} of ${maxAttempts}` : "";
          const why = waiting ? `  ${waiting.text}` : "";
          return `${sign} ${since(at)}  ${agent.padEnd(13)}  ${id}${attempts}${why}${late(one)}  ${objective}`;
        },
      ),
    },
    {
      title: "TASKS",
      hasMore: now.more.tasks,
      lines: now.tasks.map(
        ({ id, status, since: at, executor = "–", author, waiting, objective, ...task }) => {
          const sign = status === "claimed" ? "▸" : "·";
          const why = waiting ? `  ${waiting.text}` : "";
          return `${sign} ${since(at)}  ${executor.padEnd(13)}  ${id}  ${author}${why}${late(task)}  ${objective}`;
        },
      ),
    },
    {
      title: "AGENTS",
      hasMore: false,
      lines: now.agents.map(({ id, state, since: at, running, queued, concurrency, unsteady, text }) => {
        const sign = state === "up" ? "✓" : state === "busy" ? "▸" : "!";
        const more = state === "up" || state === "busy" ? "" : `  ${text}`;
        return `${sign} ${since(at)}  ${id.padEnd(13)}  ${state.padEnd(12)}  ${running}/${concurrency} at work, ${queued} wait${unsteady ? "  comes and goes" : ""}${more}`;
      }),
    },
  ];
}

/** How many lines each block gets: all where there is room, else a few each, then in order. */
function shareOut(wanted: readonly number[], room: number): readonly number[] {
  const shares = wanted.map((lines) => Math.min(lines, LEAST_LINES));
  let left = room - shares.reduce((sum, share) => sum + share, 0);
  for (const [index, lines] of wanted.entries()) {
    const more = Math.max(0, Math.min(lines - (shares[index] ?? 0), left));
    shares[index] = (shares[index] ?? 0) + more;
    left -= more;
  }
  return shares;
}

/** What each open thing is now, in a few words that change when something happened to it. */
function statesOf(now: NowView): ReadonlyMap<string, string> {
  const late = (item: { readonly late: boolean; readonly lateWhy?: string }) =>
    item.late ? `, late${item.lateWhy === undefined ? "" : `: ${item.lateWhy}`}` : "";
  return new Map([
    ...now.gates.map(
      ({ run, step, approvals, min }) =>
        [`gate ${run} ${step}`, `waits for people, ${approvals.length} of ${min} approve`] as const,
    ),
    ...now.runs.map(
      ({ id, progress, waiting, ...run }) =>
        [
          `run ${id}`,
          `${progress.settled} of ${progress.total} steps${waiting === undefined ? "" : `, waits (${waiting})`}${late(run)}`,
        ] as const,
    ),
    ...now.delegations.map(
      ({ id, agent, status, attempt, waiting, ...one }) =>
        [
          `delegation ${id}`,
          `${agent}, ${status}, attempt ${attempt}${waiting ? `, ${waiting.text}` : ""}${late(one)}`,
        ] as const,
    ),
    ...now.tasks.map(
      ({ id, status, executor, waiting, ...task }) =>
        [
          `task ${id}`,
          `${status}${executor === undefined ? "" : ` by ${executor}`}${waiting ? `, ${waiting.text}` : ""}${late(task)}`,
        ] as const,
    ),
    ...now.agents.map(({ id, state }) => [`agent ${id}`, state] as const),
  ]);
}

/** What changed since the view before, a line each; all that there is when there was none. */
export function changesOf(before: NowView | undefined, now: NowView): readonly string[] {
  const stamp = new Date(now.at).toISOString();
  const [old, current] = [before ? statesOf(before) : new Map<string, string>(), statesOf(now)];
  const lines = [...current].flatMap(([what, state]) =>
    old.get(what) === state ? [] : [`${what}: ${state}`],
  );
  const gone = [...old.keys()].filter((what) => !current.has(what)).map((what) => `${what}: no longer open`);
  const head = before ? [] : [sumLine(now)];
  return [...head, ...lines, ...gone].map((line) => oneLine(`${stamp}  ${line}`, 500));
}
