import type { DelegationStatus } from "../domain/delegation-types.ts";
import type { DelegationView } from "../domain/view.ts";
import type { SubjectView } from "./delivery-port.ts";
import { headline, LOOKS } from "./look.ts";
import { runHeadline, runLook } from "./look-run.ts";
import { runReport } from "./run-report.ts";
import { plain } from "./sanitize.ts";

/** What a line or a batch says of a delegation or run. */
export type Glance = {
  readonly id: string;
  readonly status: DelegationStatus | "running";
  readonly symbol: string;
  readonly headline: string;
  readonly what: string;
  readonly asker: string;
  readonly reason?: string;
  /** The result, as it was handed in. */
  readonly said: string;
  /** Everything, for a file. */
  readonly report: () => string;
};

export function glanceOf(subject: SubjectView): Glance {
  if (subject.kind === "delegation") {
    const { view } = subject;
    return {
      id: view.id,
      status: view.status,
      symbol: LOOKS[view.status].symbol,
      headline: headline(view),
      what: view.objective,
      asker: view.asker,
      ...(view.reason === undefined ? {} : { reason: view.reason }),
      said: view.handoff?.result ?? "",
      report: () => delegationReport(view),
    };
  }
  const { view } = subject;
  const reason = view.reason ?? view.missing[0];
  return {
    id: view.id,
    status: view.status,
    symbol: runLook(view).symbol,
    headline: runHeadline(view),
    what: `${view.progress.settled} of ${view.progress.total} steps`,
    asker: view.asker,
    ...(reason === undefined ? {} : { reason }),
    said: view.result ?? "",
    report: () => runReport(view),
  };
}

function delegationReport(view: DelegationView): string {
  const { handoff, problems } = view;
  return [
    `## ${headline(view)}`,
    "",
    `${view.id} · asked by ${view.asker}${handoff?.confidence ? ` · confidence ${handoff.confidence}` : ""}`,
    "",
    `> ${plain(view.objective).replaceAll("\n", "\n> ")}`,
    "",
    ...(view.reason ? [plain(view.reason), ""] : []),
    ...(view.status === "succeeded" ? [] : problems.map(({ path, message }) => `- ${path} ${message}`)),
    plain(handoff?.result ?? ""),
    ...(handoff?.notes ? ["", `Notes: ${plain(handoff.notes)}`] : []),
    ...(handoff?.artifacts.length ? ["", `Artifacts: ${handoff.artifacts.join(", ")}`] : []),
  ].join("\n");
}
