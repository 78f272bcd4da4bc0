import { lineOfWork, type WorkItem } from "../domain/work-view.ts";
import { oneLine } from "../kernel/text.ts";

type Moment = Pick<WorkItem["history"][number], "event" | "timestamp" | "author" | "payload">;

/** `2026-02-14 10:00:00Z  started  agent webster  {"skill":"devops"}` */
export function momentLine({ event, timestamp, author, payload }: Moment): string {
  const at = `${timestamp.slice(0, 19).replace("T", " ")}Z`;
  const said = Object.keys(payload).length === 0 ? "" : `  ${oneLine(JSON.stringify(payload), 160)}`;
  return `${at}  ${event}  ${author}${said}`;
}

/** All that is known of an item, for a terminal. */
export function describeWork(item: WorkItem): string {
  const { lifecycle, intent, dependencies, telemetry, artifacts, lessons, history } = item;
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${oneLine(line, 300)}`)];
  return [
    lineOfWork(item),
    item.title,
    ...(item.project ? [`project ${item.project}`] : []),
    ...(lifecycle.orchestrator_workflow ? [`part of ${lifecycle.orchestrator_workflow}`] : []),
    ...(lifecycle.agent ? [`done by ${lifecycle.agent}`] : []),
    ...(lifecycle.model ? [`model ${lifecycle.model}`] : []),
    ...(lifecycle.reason ? [`because: ${oneLine(lifecycle.reason, 300)}`] : []),
    ...(intent.goal && intent.goal !== item.title ? [`goal: ${oneLine(intent.goal, 300)}`] : []),
    ...part("done when", intent.success_criteria),
    ...part("constraints", intent.constraints),
    ...part("waits for", dependencies.blockers),
    ...part("waited for by", dependencies.dependents),
    ...part(
      "artifacts",
      artifacts.map(({ type, label, path }) => `${type}: ${path}${label ? ` (${label})` : ""}`),
    ),
    ...part(
      "tests",
      telemetry.tests.map(
        ({ name, status, evidence }) => `${status} ${name}${evidence ? ` (${evidence})` : ""}`,
      ),
    ),
    ...part(
      "metrics",
      telemetry.metrics.map(({ name, value, unit }) => `${name} ${value}${unit}`),
    ),
    ...part("findings", lessons.findings),
    ...part("follow-ups", lessons.followups),
    ...part("history", history.slice(-10).map(momentLine)),
  ].join("\n");
}
