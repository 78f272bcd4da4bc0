import type { PostHook } from "./pipeline-types.ts";
import type { GateVerdict } from "./work-types.ts";
import type { WorkItem } from "./work-view.ts";

const LEAST_COVERAGE = 70;
const CRITICAL_RATE = 50;
const DEGRADED_RATE = 80;
/** So many failed items of a skill: nothing more should go to it before somebody has looked. */
const BREAKS_AT = 3;

export type Sanity = { readonly verdict: GateVerdict; readonly issues: readonly string[] };
export type Checked = Pick<WorkItem, "artifacts" | "telemetry"> & {
  readonly lifecycle: Pick<WorkItem["lifecycle"], "status" | "reason">;
};

/** The output gate. What has failed, or brought nothing, does not go on; everything else that is odd is a warning. */
export function sanityOf({ lifecycle, artifacts, telemetry }: Checked): Sanity {
  const fatal = [
    ...(artifacts.length === 0 ? ["no artifacts: nothing was handed on"] : []),
    ...lastTests(telemetry.tests)
      .filter(({ status }) => status !== "pass" && status !== "skip")
      .map(({ name }) => `the test ${name} failed`),
    ...(lifecycle.status === "failed" && !lifecycle.reason?.trim() ? ["it failed, and nobody said why"] : []),
  ];
  const odd = [
    ...lastMetrics(telemetry.metrics)
      .filter(({ name, value }) => name === "test_coverage" && value < LEAST_COVERAGE)
      .map(({ value }) => `test_coverage is ${value}, below ${LEAST_COVERAGE}`),
    ...(lifecycle.status === "review"
      ? [`it is partial${lifecycle.reason ? `: ${lifecycle.reason}` : ""}`]
      : []),
  ];
  const issues = [...fatal, ...odd];
  return { verdict: fatal.length > 0 ? "fail" : odd.length > 0 ? "warn" : "pass", issues };
}

/** A test that was run again stands as it ended last. */
function lastTests(tests: WorkItem["telemetry"]["tests"]): WorkItem["telemetry"]["tests"] {
  return [...new Map(tests.map((test) => [test.name, test])).values()];
}
function lastMetrics(metrics: WorkItem["telemetry"]["metrics"]): WorkItem["telemetry"]["metrics"] {
  return [...new Map(metrics.map((metric) => [metric.name, metric])).values()];
}

export type Proposal = { readonly target: string; readonly text: string };

const BEHAVIOR = /\b(always|never|pattern|behaviou?r|lesson|mistake)s?\b/i;
const MACHINE = /\b(config(uration)?|path|port|api|key|credential|quirk)s?\b/i;

/** Where each finding belongs. Nothing is written: these are proposals. */
export function reflectOn({
  lessons,
  lifecycle,
}: Pick<WorkItem, "lessons" | "lifecycle">): readonly Proposal[] {
  const own = lifecycle.assignee_skill || "unassigned";
  return lessons.findings
    .filter((text) => !isOwnFinding(text))
    .map((text) => ({
      target: BEHAVIOR.test(text) ? "SOUL.md" : MACHINE.test(text) ? "TOOLS.md" : `skills/${own}/SKILL.md`,
      text,
    }));
}

const GATE_MARK = "[sanity-check] ";
/** What the gate itself noted is no lesson. */
const isOwnFinding = (text: string) => text.startsWith(GATE_MARK);
export const gateFinding = (issue: string) => `${GATE_MARK}${issue}`;

export type SkillHealth = {
  readonly skill: string;
  readonly health: "healthy" | "degraded" | "failing";
  /** Per cent of its tests that passed, of those that passed or failed; absent without any. */
  readonly passRate?: number;
  readonly done: number;
  readonly failed: number;
  readonly failedItems: readonly string[];
  readonly issues: readonly string[];
};

/** How a skill does, from all items that were given to it. */
export function healthOf(skill: string, items: readonly WorkItem[]): SkillHealth {
  const own = items.filter(({ lifecycle }) => lifecycle.assignee_skill === skill);
  const tests = own
    .flatMap(({ telemetry }) => lastTests(telemetry.tests))
    .filter(({ status }) => status !== "skip");
  const passRate =
    tests.length === 0
      ? undefined
      : Math.round((100 * tests.filter(({ status }) => status === "pass").length) / tests.length);
  const failedItems = own.filter(({ lifecycle }) => lifecycle.status === "failed").map(({ slug }) => slug);
  const isBroken = failedItems.length >= BREAKS_AT;
  const issues = [
    ...(passRate !== undefined && passRate < CRITICAL_RATE ? [`pass rate ${passRate}%: critically low`] : []),
    ...(passRate !== undefined && passRate >= CRITICAL_RATE && passRate < DEGRADED_RATE
      ? [`pass rate ${passRate}%: degraded`]
      : []),
    ...(isBroken ? [`${failedItems.length} items failed: consider circuit breaker`] : []),
  ];
  const isFailing = isBroken || (passRate !== undefined && passRate < CRITICAL_RATE);
  return {
    skill,
    health: isFailing ? "failing" : issues.length > 0 ? "degraded" : "healthy",
    ...(passRate === undefined ? {} : { passRate }),
    done: own.filter(({ lifecycle }) => lifecycle.status === "done").length,
    failed: failedItems.length,
    failedItems,
    issues,
  };
}

/** One repair item for one breakdown: as long as it is open, no other one is made. */
export function repairSlug(skill: string, round: number): string {
  return `repair-${skill}${round > 1 ? `-${round}` : ""}`;
}

export type HookTask = {
  readonly skill: PostHook;
  /** `hook_<skill>` */
  readonly label: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, string>>;
};

/** What is to be done after a stage; reflect only when something was found. */
export function hookTasksOf(item: WorkItem, hooks: readonly PostHook[]): readonly HookTask[] {
  const found = item.lessons.findings.length;
  return hooks.flatMap((skill): readonly HookTask[] => {
    const label = `hook_${skill}`;
    const inputs = { work_item_slug: item.slug };
    switch (skill) {
      case "sanity-check":
        return [
          {
            skill,
            label,
            description: `Run OUTPUT gate on work item '${item.slug}'`,
            inputs: { ...inputs, gate: "output" },
          },
        ];
      case "reflect":
        return found === 0
          ? []
          : [
              {
                skill,
                label,
                description: `Encode ${found} finding${found === 1 ? "" : "s"} from '${item.slug}'`,
                inputs,
              },
            ];
      case "skill-lifecycle":
        return [
          {
            skill,
            label,
            description: `Monitor skill health after completing '${item.slug}'`,
            inputs: { ...inputs, skill: item.lifecycle.assignee_skill },
          },
        ];
    }
  });
}

/** The file of the proposals, for the people who decide. */
export function proposalText(item: WorkItem, proposals: readonly Proposal[]): string {
  const targets = [...new Set(proposals.map(({ target }) => target))];
  const parts = targets.map((target) =>
    [
      `## ${target}`,
      "",
      ...proposals
        .filter((one) => one.target === target)
        .map(({ text }) => `- ${text.replace(/\s*\n\s*/g, " ")}`),
    ].join("\n"),
  );
  return [
    `# What ${item.slug} taught`,
    `Proposed additions. Nothing was written anywhere: copy what is right into the files of ${item.lifecycle.agent ?? (item.lifecycle.assignee_skill || "the agent that did it")}.`,
    ...parts,
    "",
  ].join("\n\n");
}
