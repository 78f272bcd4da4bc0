import type { DelegationEvent } from "../domain/delegation-types.ts";
import type { DeliveryEvent } from "../domain/delivery-types.ts";
import type { RunEvent } from "../domain/run-types.ts";
import type { TaskEvent } from "../domain/task-events.ts";
import type { WorkerEvent } from "../domain/worker-types.ts";
import type { Ledger, StoredEvent } from "../engine/ports/ledger.ts";
import {
  aboveOf,
  delegationSpans,
  postSpan,
  runSpan,
  type SpanDraft,
  type SpanPlace,
  stepSpan,
  stepSpanOf,
  taskSpan,
  workerSpans,
} from "./spans.ts";

type Known = DelegationEvent | RunEvent | TaskEvent | WorkerEvent | DeliveryEvent;
type Reader = Pick<Ledger, "events">;
/** By step, when it began; by gate, how it was decided. */
type Beginnings = Map<string, number | string>;

const MOST_REMEMBERED = 4096;
const MOST_EVENTS = 1000;
const DEEPEST = 20;
const BEGINNINGS = ["step.started", "gate.opened", "wait.started", "gate.decided", "run.resumed"];
const ENDS = ["delegation.settled", "run.settled", "worker.settled", "task.settled"];

/**
 * Makes spans of events, one after the other: each when the event that ends it is read. What began earlier is
 * remembered, and read again from the ledger after a restart.
 */
export function createSpanReader(ledger: Reader) {
  const places = remembering<SpanPlace>();
  const firsts = remembering<Known>();
  const begun = remembering<Beginnings>();

  async function firstOf(stream: string): Promise<Known | undefined> {
    const known = firsts.get(stream);
    if (known) return known;
    const [first] = await ledger.events({ stream, after: -1, limit: 1 });
    if (first) firsts.set(stream, first.body as Known);
    return first?.body as Known | undefined;
  }

  async function placeOf(stream: string, depth = 0): Promise<SpanPlace> {
    const known = places.get(stream);
    if (known) return known;
    const above = aboveOf((await firstOf(stream)) ?? { type: "" });
    const top = above && depth < DEEPEST ? await placeOf(above.stream, depth + 1) : { root: stream };
    const place = above ? { root: top.root, parent: above.span } : { root: stream };
    places.set(stream, place);
    return place;
  }

  /** When each step began, and how each gate was decided. */
  async function beginningsOf(run: string): Promise<Beginnings> {
    const known = begun.get(run);
    if (known) return known;
    const events = await ledger.events({
      stream: run,
      after: -1,
      types: BEGINNINGS,
      limit: MOST_EVENTS * 20,
    });
    const made: Beginnings = new Map();
    for (const event of events) noteBeginning(made, run, event);
    begun.set(run, made);
    return made;
  }

  async function runSpans(stream: string, stored: StoredEvent): Promise<readonly SpanDraft[]> {
    const event = stored.body as RunEvent;
    if (BEGINNINGS.includes(event.type)) {
      const known = begun.get(stream);
      if (known) noteBeginning(known, stream, stored);
      else if (event.type !== "gate.decided") await beginningsOf(stream);
      return [];
    }
    if (event.type !== "step.settled" && event.type !== "run.settled") return [];
    const first = await firstOf(stream);
    if (first?.type !== "run.started") return [];
    const place = await placeOf(stream);
    const beginnings = await beginningsOf(stream);
    if (event.type === "run.settled") {
      const resumed = beginnings.get("resumed");
      const from = event.round > 1 && typeof resumed === "number" ? resumed : first.order.startedAt;
      return [runSpan(first, event, from, place)];
    }
    const name = stepSpan(stream, event);
    const from = beginnings.get(name);
    if (typeof from !== "number") return [];
    const gate = beginnings.get(`${name} gate`);
    const run = { id: stream, workflow: first.order.definition.name };
    return [stepSpanOf(run, event, from, place, typeof gate === "string" ? gate : undefined)];
  }

  async function postSpans({
    delivery,
    receipt,
    of,
  }: Extract<DeliveryEvent, { type: "delivery.part-posted" }>) {
    if (receipt.part + 1 < of) return [];
    const made: SpanDraft[] = [];
    for (const name of delivery.members ?? [delivery.id]) {
      const subject = name.slice(0, Math.max(0, name.lastIndexOf("/")));
      if (subject === "" || /\/(card|gate-[^/]+|proposals-\d+)$/.test(name)) continue;
      const [end] = await ledger.events({
        stream: subject,
        types: ENDS,
        before: Number.MAX_SAFE_INTEGER,
        limit: 1,
      });
      if (!end || receipt.postedAt < end.at) continue;
      const posted = { subject, delivery: name, from: end.at, to: receipt.postedAt, parts: of };
      made.push(postSpan(posted, await placeOf(subject)));
    }
    return made;
  }

  /** The spans that end with this event. */
  return async function spansOf(stored: StoredEvent): Promise<readonly SpanDraft[]> {
    const { stream } = stored;
    const event = stored.body as Known;
    if (event.type === "delegation.settled" || event.type === "worker.settled") {
      const all = await ledger.events({ stream, after: -1, limit: MOST_EVENTS });
      const bodies = all.map(({ body }) => body);
      const spans = event.type === "delegation.settled" ? delegationSpans : workerSpans;
      return spans(bodies, await placeOf(stream));
    }
    if (event.type === "task.settled") {
      const first = await firstOf(stream);
      if (first?.type !== "task.seen") return [];
      const [again] = await ledger.events({
        stream,
        types: ["task.again"],
        before: stored.position,
        limit: 1,
      });
      return [taskSpan(first, event, again?.at ?? first.task.postedAt, await placeOf(stream))];
    }
    if (event.type === "delivery.part-posted") return postSpans(event);
    return runSpans(stream, stored);
  };
}

function noteBeginning(map: Beginnings, run: string, { at, body }: StoredEvent): void {
  const event = body as RunEvent;
  if (event.type === "step.started" || event.type === "gate.opened" || event.type === "wait.started") {
    const name = stepSpan(run, event);
    if (!map.has(name)) map.set(name, at);
  }
  if (event.type === "gate.decided") map.set(`${stepSpan(run, event)} gate`, event.status);
  if (event.type === "run.resumed") map.set("resumed", at);
}

/** The latest ones only: what is forgotten is read again. */
function remembering<T>() {
  const kept = new Map<string, T>();
  return {
    get(name: string): T | undefined {
      const value = kept.get(name);
      if (value === undefined) return undefined;
      kept.delete(name);
      kept.set(name, value);
      return value;
    },
    set(name: string, value: T): void {
      kept.set(name, value);
      const oldest = kept.keys().next();
      if (kept.size > MOST_REMEMBERED && !oldest.done) kept.delete(oldest.value);
    },
  };
}
