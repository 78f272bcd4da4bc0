import type { MemberView } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Shared } from "./membership.ts";

/** Says who leads, as long as that is not us: for what only the supervisor does that is connected to Discord. */
export type Elsewhere = () => Promise<Refusal | undefined>;

export function createElsewhere(shared: Shared | undefined): Elsewhere {
  return async () => {
    if (!shared || shared.leads()) return undefined;
    const leader = (await shared.roster.list()).find(({ leads, isUs }) => leads && !isUs);
    return refusalFor(leader);
  };
}

function refusalFor(leader: MemberView | undefined): Refusal {
  if (!leader)
    return new Refusal("no_discord", "No supervisor leads on Discord at this moment.", {
      hint: "One of them will within 15 seconds: ask again. `hq status` shows them.",
    });
  const { api } = leader;
  return new Refusal(
    "no_discord",
    `Only the supervisor that leads on Discord does that: ${nameOf(leader)}.`,
    {
      hint: `Ask it there${api === undefined ? "" : `, or over REST at ${api}`}; \`hq status\` shows all of them.`,
    },
  );
}

/** A member as people tell it from others. */
export function nameOf({ home, host, pid }: Pick<MemberView, "home" | "host" | "pid">): string {
  if (host === undefined) return home;
  return pid === undefined ? `${host} (${home})` : `${host} (pid ${pid})`;
}
