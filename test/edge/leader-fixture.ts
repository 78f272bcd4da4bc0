import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import type { Behaviour } from "../chaos/agents.ts";
import { person } from "../support/guild.ts";
import type { Postgres } from "../support/postgres.ts";
import { createMembersWorld, type Member } from "./members-fixture.ts";

type Message = ReturnType<LocalGuild["inspect"]["messages"]>[number];

const SOON_MS = 60_000;

/** Several supervisors and a guild that outlives each of them. */
export async function createLeaderWorld(t: TestContext, postgres: Postgres, behaviour: Partial<Behaviour>) {
  const made = await createMembersWorld(t, postgres, {
    concurrency: 4,
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 100, ...behaviour },
  });
  return { ...made, guild: made.world.guild };
}

/** The first message of a channel that fits, now or later. */
export async function shownSoon(
  guild: LocalGuild,
  channel: string,
  fits: (message: Message) => boolean,
): Promise<Message> {
  const find = () => guild.inspect.messages(channel).find(fits);
  return find() ?? guild.inspect.next(find, SOON_MS);
}

/** Messages that name this delegation. */
export const openOn =
  (id: string) =>
  (message: Message): boolean =>
    JSON.stringify(message).includes(`${id}/card`);

/** The card of a task, which is its claim. */
export const withClaim =
  (task: string) =>
  (message: Message): boolean =>
    message.replyTo?.messageId === task && JSON.stringify(message).includes("/card");

export function cardsOf(guild: LocalGuild, channel: string, task: string): readonly Message[] {
  return guild.inspect.messages(channel).filter(withClaim(task));
}

/** Resolves when this member says that the named one leads, and nobody else. */
export async function leadsAlone({ supervisor, home }: Member, name: string): Promise<void> {
  await until(async () => {
    const { body } = await supervisor.call("GET", "/health/ready");
    const leaders = (body.members ?? []).filter(({ leads }: { leads: boolean }) => leads);
    return leaders.length === 1 && leaders[0].isUs === home.endsWith(`/${name}`);
  });
}

/** Whether a member's log says this. */
export function hasSaid({ home }: Member, words: RegExp): boolean {
  return words.test(readFileSync(join(home, "logs", "supervisor.log"), "utf8"));
}

/** Asks again until the answer is yes; the test's own time limit ends it. */
export async function until(look: () => unknown): Promise<true> {
  for (;;) {
    if (await look()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A person's `/delegate`, answered; returns the id of what it began. */
export async function delegate(
  { supervisor }: Member,
  guild: LocalGuild,
  agent: string,
  objective: string,
): Promise<string> {
  await person(guild).command("technical", "delegate", { agent, objective });
  const { body } = await supervisor.call("GET", `/delegations?agent=${agent}&limit=1`);
  return body.items[0].id;
}

/** What the asker of an interaction sees as its answer. */
export async function answerOf(guild: LocalGuild, interaction: string): Promise<string> {
  const { message } = await person(guild).get<{ message?: { content: string } }>(
    `/local/interactions/${interaction}`,
  );
  return message?.content ?? "";
}
