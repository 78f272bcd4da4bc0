import type { DelegationView } from "../domain/view.ts";
import { oneLine } from "../kernel/text.ts";
import type { Io } from "./io.ts";
import { jsonText, plainText } from "./print.ts";

/** What a script reads when there is no handoff: how it stands and why. */
function standing(view: DelegationView) {
  const { id, agent, status, attempt, code, reason, waiting, problems } = view;
  return {
    runId: id,
    agent,
    status,
    attempt,
    ...(code ? { code } : {}),
    ...(reason ? { reason } : {}),
    ...(waiting ? { waiting } : {}),
    ...(problems.length > 0 ? { problems } : {}),
  };
}

/** The handoff as the agent gave it, or how the delegation stands. */
export function printOutcome(io: Io, view: DelegationView, isJson: boolean): void {
  const { handoff } = view;
  if (isJson) io.out(`${jsonText(handoff ?? standing(view))}\n`);
  else if (handoff) io.out(plainText(handoff.result));
}

/** The exit code of a delegation that is settled; says on stderr what is not plain success. */
export function exitOf(io: Io, view: DelegationView): number {
  const why = view.reason ?? view.handoff?.notes ?? "";
  const because = why === "" ? "." : `: ${oneLine(why, 500)}`;
  switch (view.status) {
    case "succeeded":
      return 0;
    case "partial":
      io.err(`Warning: ${view.agent} did a part of ${view.id}${because}\n`);
      return 0;
    case "timed_out":
      io.err(`${view.id} timed out${because}\n`);
      return view.code === "not_started" ? 5 : 4;
    case "blocked":
    case "failed":
    case "canceled":
      io.err(`${view.id} is ${view.status}${because}\n`);
      for (const { path, message } of view.problems.filter(({ message }) => message !== why))
        io.err(`  ${oneLine(path ? `${path}: ${message}` : message)}\n`);
      return 1;
    case "queued":
    case "dispatched":
      return 4;
  }
}
