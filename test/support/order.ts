import type { Order } from "../../src/domain/delegation-types.ts";

/** A delegation as the operator asks for it, at the instant 1000. */
export const ORDER: Order = {
  id: "orch-1",
  agent: "webster",
  objective: "Find the CTE of Zerodur",
  attachments: [],
  timeoutMs: 300_000,
  startWithinMs: 3_600_000,
  maxAttempts: 2,
  validate: false,
  format: "json",
  deliver: true,
  actor: { kind: "operator" },
  origin: { door: "cli" },
  queuedAt: 1000,
  slotGraceMs: 30_000,
};
