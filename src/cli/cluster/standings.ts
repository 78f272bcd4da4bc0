import { type InstanceState, look } from "../../agents/cluster/instance.ts";
import { instant, table } from "../print.ts";
import type { Instance } from "./here.ts";
import { answers, isMade, strangersOn, type Way, type Ways } from "./ways.ts";

/** How an instance stands, whoever runs it. */
export type Shown = {
  readonly id: string;
  readonly letter?: string;
  readonly port: number;
  readonly by: Way;
  readonly state: InstanceState | "not made";
  readonly answers: boolean;
  readonly pid?: number;
  readonly restarts: number;
  readonly since?: number;
  readonly reason?: string;
};

/** Systemd's words in ours. */
const STATES: Readonly<Record<string, InstanceState>> = {
  active: "running",
  reloading: "running",
  activating: "waiting",
  deactivating: "stopping",
  failed: "failed",
};

export async function show(instance: Instance, ways: Ways): Promise<Shown> {
  const { id, card, port } = instance;
  const head = { id, ...(card.letter === undefined ? {} : { letter: card.letter }), port };
  const by = ways.of(instance);
  if (!isMade(instance)) return { ...head, by, state: "not made", answers: false, restarts: 0 };
  if (by === "systemd") {
    const { active, result, pid, restarts, since } = await ways.systemd.show(id);
    const state = STATES[active] ?? "stopped";
    return {
      ...head,
      by,
      state,
      answers: state === "running" && (await answers(instance)),
      restarts,
      ...(pid === undefined ? {} : { pid }),
      ...(since === undefined ? {} : { since }),
      ...(state === "failed" ? { reason: `systemd says: ${result}` } : {}),
    };
  }
  const { state, pid, restarts, since, reason, pids } = look(instance.place);
  const isAbout = state === "running" || state === "waiting" || state === "unwatched";
  const strangers = isAbout ? strangersOn(instance, pids) : [];
  const taken = `port ${port} is held by process ${strangers.join(", ")}, which is not of this instance`;
  const why = strangers.length > 0 ? [reason, taken].filter((one) => one !== undefined).join("; ") : reason;
  return {
    ...head,
    by,
    state,
    answers: pids.length > 0 && strangers.length === 0 && (await answers(instance)),
    restarts,
    ...(pid === undefined ? {} : { pid }),
    ...(since === undefined ? {} : { since }),
    ...(why === undefined ? {} : { reason: why }),
  };
}

export function shownTable(items: readonly Shown[]): string {
  const rows = items.map((one) => [
    one.id,
    one.letter ?? "–",
    String(one.port),
    one.state,
    one.answers ? "yes" : "no",
    String(one.pid ?? "–"),
    String(one.restarts),
    instant(one.since),
    one.state === "not made" ? "–" : one.by,
    one.reason ?? "",
  ]);
  const head = ["ID", "LETTER", "PORT", "STATE", "ANSWERS", "PID", "RESTARTS", "SINCE", "BY", "NOTE"];
  return table([head, ...rows], 200);
}
