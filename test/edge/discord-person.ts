import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { type Supervisor, startSupervisor } from "../support/supervisor.ts";

export type Message = {
  readonly id: string;
  readonly content: string;
  readonly components: readonly unknown[];
  readonly author: { readonly bot: boolean };
};
export type Interaction = {
  readonly id: string;
  readonly state: string;
  readonly message?: Message;
  readonly modal?: object;
};

const DEADLINE_MS = 20_000;
export const shown = (message: Message | undefined) => (message ? textsOf(message).join("\n") : "");

/** A person at the guild of a real supervisor. */
export function personAt(supervisor: Supervisor) {
  const guild = supervisor.ready.guild ?? "";
  const messages = async (channel: string): Promise<Message[]> => {
    const response = await fetch(`${guild}/local/channels/${channel}/messages?limit=100`);
    return ((await response.json()) as Message[]).reverse();
  };
  const act = async (path: string, body: object): Promise<Interaction> => {
    const response = await fetch(`${guild}/local/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ channel: "technical", ...body }),
    });
    return (await response.json()) as Interaction;
  };
  /** Looks again at every event of the guild until the channel shows what is looked for. */
  const until = async (
    channel: string,
    fits: (messages: readonly Message[]) => boolean,
  ): Promise<Message[]> => {
    const stream = await fetch(`${guild}/local/events`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    assert.ok(stream.body);
    let now = await messages(channel);
    if (fits(now)) {
      await stream.body.cancel();
      return now;
    }
    for await (const _ of stream.body) {
      now = await messages(channel);
      if (fits(now)) return now;
    }
    throw new Error(`#${channel} never showed it: ${now.map(shown).join("\n---\n")}`);
  };
  const command = (name: string, options: object = {}, more: object = {}) =>
    act("commands", { name, options, wait: true, ...more });
  return { messages, act, until, command };
}

/** A supervisor for a test, stopped after it unless the test killed it. */
export async function startFor(
  t: TestContext,
  home: string,
  env: Record<string, string> = {},
): Promise<Supervisor> {
  const supervisor = await startSupervisor(home, env);
  t.after(async () => {
    if (supervisor.child.exitCode === null && supervisor.child.signalCode === null) await supervisor.stop();
  });
  return supervisor;
}
