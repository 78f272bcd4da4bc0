import { AGENT_IDS } from "../support/core.ts";
import type { Supervisor } from "../support/supervisor.ts";

/**
 * Asks for `count` delegations, each with its own key, again and again until each was answered with its id:
 * what a careful client does while the supervisor is being killed. `up` gives the supervisor of the moment.
 */
export async function askAll(
  keys: readonly string[],
  up: () => Promise<Supervisor>,
  ids: Map<string, string>,
  {
    isDone = () => false,
    onRepeated,
  }: {
    readonly isDone?: () => boolean;
    /** Its first answer was lost, and what it asked for is there. */
    readonly onRepeated?: () => void;
  } = {},
): Promise<void> {
  await Promise.all(
    keys.map(async (key) => {
      while (!ids.has(key) && !isDone()) {
        const supervisor = await up();
        try {
          const agent = AGENT_IDS[1 + (Number(key.split("-")[1]) % (AGENT_IDS.length - 1))];
          const answer = await supervisor.call(
            "POST",
            "/delegations",
            { agent, objective: `job ${key}`, timeout: "60s" },
            { "idempotency-key": key },
          );
          if (answer.status !== 201 && answer.status !== 200)
            throw new Error(`asked ${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
          if (answer.status === 200) onRepeated?.();
          ids.set(key, answer.body.id);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          // The connection broke: the supervisor died. Wait for its end, then ask the next one.
          await supervisor.exited;
        }
      }
    }),
  );
}

/** Waits until every delegation is settled and nothing more is to be posted or filed. */
export async function untilQuiet(supervisor: Supervisor, ids: Iterable<string>): Promise<void> {
  for (const id of ids) {
    for (;;) {
      if ((await read(supervisor, `/delegations/${id}?wait=30s`)).settledAt) break;
    }
  }
  for (const id of ids) await untilPosted(supervisor, `/delegations/${id}`, id);
}

/** Waits until the result and the log line of what is at this path were posted. */
export async function untilPosted(supervisor: Supervisor, path: string, id: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { items } = await read(supervisor, `${path}/receipts`);
    const seen = new Set(items.map(({ delivery }: { delivery: string }) => delivery));
    if (seen.has(`${id}/result`) && seen.has(`${id}/log`)) return;
    if (tries > 2400) throw new Error(`${id} was never posted: ${JSON.stringify(items)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The types of all events of what is at this path, oldest first. */
export async function eventsOf(supervisor: Supervisor, path: string): Promise<string[]> {
  const { items } = await read(supervisor, `${path}/history`);
  return items.map(({ type }: { type: string }) => type);
}

/** What a supervisor answers; throws when it answers anything but 200. */
export async function read(supervisor: Supervisor, path: string): Promise<any> {
  const { status, body } = await supervisor.call("GET", path);
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}
