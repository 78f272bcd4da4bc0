import type { DelegationStatus } from "../../src/domain/delegation-types.ts";
import type { Handoff } from "../../src/domain/handoff-types.ts";
import type { DelegationView } from "../../src/domain/view.ts";

export const AT = Date.UTC(2026, 0, 15, 12, 0, 0);

export function handoffOf(more: Partial<Handoff> = {}): Handoff {
  return {
    schemaVersion: "1.0",
    runId: "orch-1",
    agent: "webster",
    status: "complete",
    result: "Class 0: 0 ± 0.02 ppm/K (0–50 °C)",
    artifacts: [],
    confidence: "high",
    notes: "from the data sheet",
    remarks: [],
    ...more,
  };
}

/** A delegation that was asked at AT and, when settled, took 4 min 12 s. */
export function viewWith(status: DelegationStatus, more: Partial<DelegationView> = {}): DelegationView {
  const isOpen = status === "queued" || status === "dispatched";
  return {
    id: "orch-1",
    status,
    agent: "webster",
    caller: "manager",
    asker: "@ada",
    objective: "Find CTE of Zerodur",
    attempt: 1,
    maxAttempts: 2,
    timeoutMs: 300_000,
    queuedAt: AT,
    ...(status === "queued" ? {} : { dispatchedAt: AT + 1000, deadlineAt: AT + 301_000 }),
    ...(isOpen ? {} : { settledAt: AT + 252_000 }),
    problems: [],
    ...(status === "succeeded" || status === "partial" ? { handoff: handoffOf() } : {}),
    deliver: true,
    validate: false,
    format: "json",
    origin: { door: "discord", channel: "100000000000000001" },
    attempts: [{ attempt: 1, sends: 1, deferrals: 0, ambiguous: false, startBy: 0 }],
    ...more,
  };
}
