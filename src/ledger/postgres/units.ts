import type { ClaimRequest, Commit } from "../../engine/ports/ledger.ts";
import { Refusal } from "../../kernel/refusal.ts";
import { streamOf } from "../commit.ts";

/** One write as the database's functions read it; lists in the order of columns, to be short. */
export type Unit = { readonly do: string; readonly [name: string]: unknown };

/**
 * A unit as the database takes it. PostgreSQL keeps no NUL in a text and no half of a sign; bodies and states are JSON
 * in a text, where both are written in other characters.
 */
export function unitText(unit: Unit): string {
  return JSON.stringify(unit, (_, part: unknown) => {
    if (typeof part !== "string") return part;
    if (!part.includes("\0")) return part.toWellFormed();
    throw new Refusal("invalid_input", "A text holds the character U+0000, which the ledger cannot keep.");
  });
}

/** Words that only people read. */
const readable = (text: string) => text.replaceAll("\0", "\uFFFD");

const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
const some = <T>(name: string, list: readonly T[] | undefined, write: (part: T) => unknown) =>
  list && list.length > 0 ? { [name]: list.map(write) } : {};

type CommitUnit = Unit & {
  readonly events: readonly (readonly [type: string, schema: number, body: string])[];
  readonly state?: string;
};

/** JSON as it is stored; what cannot be written fails here, alone and early. */
export function commitUnit(commit: Commit): CommitUnit {
  const { stream, kind, status, agent, parent, deadlineAt, wakeAt, key, heldBy } = commit;
  const { state, expectedVersion: expected, at, cause, actor } = commit;
  return {
    do: "commit",
    stream,
    kind,
    status,
    agent,
    parent,
    deadlineAt,
    wakeAt,
    open: commit.open ? 1 : 0,
    expected,
    at,
    cause,
    actor,
    events: commit.events.map(
      ({ type, schema, body }) => [type, schema, JSON.stringify(body) ?? "null"] as const,
    ),
    ...(state === undefined ? {} : { state: JSON.stringify(state) }),
    ...(key ? { key: [key.scope, key.key, key.digest] } : {}),
    ...some("effects", commit.effects, ({ body, lane, dueAt, slot }) => [
      body.type,
      JSON.stringify(body),
      lane,
      dueAt,
      slot?.lane ?? null,
      slot?.attempt ?? null,
    ]),
    ...some("settles", commit.settles, settled),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...some("cancels", commit.cancels, (type) => type),
    ...some("slots", commit.slots, ({ attempt, until }) => [attempt, until === "free" ? null : until]),
    ...some("receipts", commit.receipts, ({ delivery, part, nonce, channel, message, postedAt }) => [
      delivery,
      part,
      nonce,
      channel,
      message,
      postedAt,
    ]),
    ...some("blobs", commit.blobs, ({ digest, body }) => [digest, base64(body)]),
  };
}

function settled({ id, outcome }: { readonly id: string; readonly outcome: string }): readonly string[] {
  return [streamOf(id), id, readable(outcome)];
}

export function claimUnit(request: ClaimRequest, capacity: Readonly<Record<string, number>>): Unit {
  const { holder, epoch, lanes, now, limit, holdMs, fence } = request;
  return {
    do: "claim",
    holder,
    epoch,
    lanes,
    now,
    limit,
    holdMs,
    capacity,
    ...(fence ? { fence: [fence.lease, fence.epoch] } : {}),
  };
}

export function settleUnit(effects: readonly { readonly id: string; readonly outcome: string }[]): Unit {
  return { do: "settle", list: effects.map(settled) };
}

export function postponeUnit(
  id: string,
  dueAt: number,
  reason: string,
  more: { readonly stillBegun?: boolean; readonly left?: unknown; readonly holder?: string } = {},
): Unit {
  return {
    do: "postpone",
    id,
    stream: streamOf(id),
    dueAt,
    reason: readable(reason),
    stillBegun: more.stillBegun === true,
    ...(more.left === undefined ? {} : { left: JSON.stringify(more.left) }),
    ...(more.holder === undefined ? {} : { holder: more.holder }),
  };
}

export function blobUnit(digest: string, body: string): Unit {
  return { do: "blob", digest, body: base64(body) };
}

export function rememberUnit(name: string, value: string): Unit {
  return { do: "remember", name, value };
}
