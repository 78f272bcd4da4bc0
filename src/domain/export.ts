import type { DelegationView } from "./view.ts";

/** A cell as spreadsheets read it; what they would take for a formula is text. */
export function csvCell(value: unknown): string {
  if (value === undefined || value === null) return "";
  const said = typeof value === "string" ? value : JSON.stringify(value);
  const text = /^[=+\-@\t\r]/.test(said) && typeof value !== "number" ? `'${said}` : said;
  return /[",\n\r']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** A fact, with nothing of the store in it but its position. */
export type EventRecord = {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly at: number;
  readonly type: string;
  readonly body: unknown;
  readonly cause: string;
  readonly actor: string;
};

export const EVENT_COLUMNS = [
  "position",
  "at",
  "stream",
  "version",
  "type",
  "actor",
  "cause",
  "body",
] as const;

export function eventCells(event: EventRecord): readonly unknown[] {
  const { position, at, stream, version, type, actor, cause, body } = event;
  return [position, new Date(at).toISOString(), stream, version, type, actor, cause, JSON.stringify(body)];
}

export const DELEGATION_COLUMNS = [
  "cursor",
  "id",
  "status",
  "agent",
  "asker",
  "objective",
  "queued_at",
  "dispatched_at",
  "settled_at",
  "attempts",
  "parent",
  "workflow",
  "step",
  "code",
  "reason",
  "confidence",
  "result",
] as const;

export function delegationCells(cursor: number, view: DelegationView): readonly unknown[] {
  const { id, status, agent, asker, objective, attempt, parent, workflow, code, reason, handoff } = view;
  return [
    cursor,
    id,
    status,
    agent,
    asker,
    objective,
    iso(view.queuedAt),
    iso(view.dispatchedAt),
    iso(view.settledAt),
    attempt,
    parent,
    workflow?.run,
    workflow?.step,
    code,
    reason,
    handoff?.confidence,
    handoff?.result,
  ];
}

function iso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
