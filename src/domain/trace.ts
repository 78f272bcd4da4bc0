import { oneLine } from "../kernel/text.ts";
import type { InteractionEvent } from "./interaction.ts";
import { tellDelegation } from "./trace-delegation.ts";
import { isFace, tellAccepted, tellEffects, tellReceipts } from "./trace-effects.ts";
import { tellRun } from "./trace-run.ts";
import { tellTask, tellWorker } from "./trace-task.ts";
import type { Interval, Told, Trace, TracedSubject, TraceLine, TraceTotals } from "./trace-types.ts";

type Story = Pick<Trace, "lines" | "totals" | "children" | "untold" | "omitted"> & {
  readonly told: Told;
  readonly working: readonly Interval[];
  readonly people: readonly Interval[];
};

/** The whole story of one id, from the question to the last message about it, with the time that each part took. */
export function traceOf(subject: TracedSubject, nowMs: number): Trace {
  const { told, lines, totals, children, untold, omitted } = storyOf(subject, nowMs, 0);
  const { id, kind, status } = subject;
  const { title, askedAt, settledAt, parent } = told;
  return {
    id,
    kind,
    title,
    status,
    askedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(parent === undefined ? {} : { parent }),
    lines: lines.toSorted((a, b) => a.at - b.at),
    totals,
    children,
    untold,
    omitted,
  };
}

function storyOf(subject: TracedSubject, nowMs: number, depth: number): Story {
  const told = tell(subject, nowMs);
  const { id, receipts } = subject;
  const own = [
    ...subject.interaction.map(({ at, body }) => interactionLine(body as InteractionEvent, at)),
    ...told.lines,
    ...tellEffects(subject),
    ...tellReceipts(subject, told.settledAt),
    ...tellAccepted(subject),
  ].map((line): TraceLine => ({ ...line, text: oneLine(line.text, 600), depth, subject: id }));
  const below = subject.children.map((child) => storyOf(child, nowMs, depth + 1));
  const working = united([...told.working, ...below.flatMap((child) => child.working)]);
  const people = united([...told.people, ...below.flatMap((child) => child.people)]);
  const endAt = told.settledAt ?? nowMs;
  const whole: Interval = [told.askedAt, endAt];
  const workingMs = lengthOf(within(working, whole));
  const posted = receipts.filter((receipt) => !isFace(receipt)).map(({ postedAt }) => postedAt);
  const totals: TraceTotals = {
    waitingMs: Math.max(0, endAt - told.askedAt - workingMs),
    workingMs,
    peopleMs: lengthOf(within(people, whole)),
    ...(told.settledAt === undefined || posted.length === 0
      ? {}
      : { postingMs: Math.max(0, Math.max(...posted) - told.settledAt) }),
    attempts: told.attempts + sum(below.map((child) => child.totals.attempts)),
    messages: receipts.length + sum(below.map((child) => child.totals.messages)),
  };
  return {
    told,
    lines: [...own, ...below.flatMap((child) => child.lines)],
    totals,
    working,
    people,
    children: below.flatMap((child, index) => {
      const { id: childId, kind, status } = subject.children[index] as TracedSubject;
      const head = {
        id: childId,
        kind,
        depth: depth + 1,
        title: child.told.title,
        status,
        totals: child.totals,
      };
      return [head, ...child.children];
    }),
    untold: subject.untold + sum(below.map((child) => child.untold)),
    omitted: subject.omitted + sum(below.map((child) => child.omitted)),
  };
}

function tell(subject: TracedSubject, nowMs: number): Told {
  switch (subject.kind) {
    case "delegation":
      return tellDelegation(subject, nowMs);
    case "run":
      return tellRun(subject, nowMs);
    case "task":
      return tellTask(subject);
    case "worker":
      return tellWorker(subject, nowMs);
  }
}

function interactionLine(event: InteractionEvent, at: number): Told["lines"][number] {
  switch (event.type) {
    case "interaction.noted":
      return { at, what: "received", text: `the command or button ${event.id}` };
    case "interaction.begun":
      return { at, what: "answered", text: "Discord was told that it is being done" };
    case "interaction.done":
      return { at, what: "carried out", text: event.outcome };
  }
}

/** The same time once, in order. */
function united(intervals: readonly Interval[]): readonly Interval[] {
  const whole: Interval[] = [];
  for (const [from, to] of intervals.toSorted((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last && from <= last[1]) whole[whole.length - 1] = [last[0], Math.max(last[1], to)];
    else whole.push([from, to]);
  }
  return whole;
}

function within(intervals: readonly Interval[], [from, to]: Interval): readonly Interval[] {
  return intervals.map(([a, b]): Interval => [Math.max(a, from), Math.min(b, to)]).filter(([a, b]) => b > a);
}

function lengthOf(intervals: readonly Interval[]): number {
  return sum(intervals.map(([from, to]) => to - from));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
