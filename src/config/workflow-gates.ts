import type { GateDefinition } from "../domain/workflow-types.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import type { GateEntry } from "./workflow-schema.ts";

export function toGate(
  entry: GateEntry,
  prompt: string | undefined,
  path: Path,
  { problem }: Findings,
): GateDefinition {
  const { min, approvers, timeout, remind_every: remindEvery, on_timeout: onTimeout } = entry;
  if (entry.prompt === undefined && prompt === undefined)
    problem(path, '"prompt" is missing', "say what people are to decide");
  if (remindEvery !== undefined && remindEvery >= timeout)
    problem([...path, "remind_every"], "is not less than timeout: it would never remind anybody");
  if (onTimeout === "escalate" && entry.escalate_to.length === 0)
    problem([...path, "on_timeout"], "says escalate, yet to nobody", "add escalate_to: [role:Operators]");
  if (onTimeout !== "escalate" && entry.escalate_to.length > 0)
    problem([...path, "escalate_to"], `has no effect with on_timeout: ${onTimeout}`, "write escalate", "key");
  const people = new Set(approvers);
  if (approvers.length > 0 && approvers.every((one) => one.startsWith("user:")) && people.size < min)
    problem([...path, "min"], `asks for ${min} people, and only ${people.size} may decide`);
  return {
    prompt: entry.prompt ?? prompt ?? "",
    approvers: [...people],
    min,
    preventSelfApproval: entry.prevent_self_approval,
    timeoutMs: timeout,
    onTimeout,
    escalateTo: [...new Set(entry.escalate_to)],
    ...(remindEvery === undefined ? {} : { remindEveryMs: remindEvery }),
  };
}
