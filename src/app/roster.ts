import { type ConfigParts, differencesOf } from "../domain/member.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Members } from "../engine/ports/members.ts";
import type { MemberView } from "../engine/verbs.ts";

const DISCORD = "discord";

/** What a member says of itself with each beat. */
type Facts = {
  readonly host: string;
  readonly pid: number;
  readonly isTemporary?: true;
  readonly api?: string;
  readonly behind: number;
  readonly clockAheadMs: number;
  readonly config?: ConfigParts;
  readonly standsBack?: NonNullable<MemberView["standsBack"]>;
};

export type Roster = {
  /** Writes down what is to be said of us. */
  readonly note: (facts: { readonly clockAheadMs: number; readonly behind: number }) => Promise<void>;
  /** How many events of others we have not heard of yet. */
  readonly behind: () => Promise<number>;
  /** What is only known later: where we are reached, how many events we have not heard of yet, and by what we work. */
  readonly use: (later: {
    readonly api: () => string;
    readonly behind: () => Promise<number>;
    readonly config: () => ConfigParts;
  }) => void;
  readonly list: () => Promise<readonly MemberView[]>;
};

/** Who works on the ledger, for people: each member keeps a note about its home there. */
export function createRoster(deps: {
  readonly ledger: Pick<Ledger, "recall" | "remember">;
  readonly members: Members;
  readonly home: string;
  readonly host: string;
  readonly holder: string;
  /** Here for one question only. */
  readonly isTemporary: boolean;
  readonly standsBack: () => MemberView["standsBack"];
}): Roster {
  const { ledger, members, home, host, holder, isTemporary } = deps;
  let known: Parameters<Roster["use"]>[0] | undefined;

  async function factsOf(of: string): Promise<Facts | undefined> {
    const text = await ledger.recall(memoOf(of));
    return text ? (JSON.parse(text) as Facts) : undefined;
  }

  return {
    behind: async () => (await known?.behind()) ?? 0,
    async note({ clockAheadMs, behind }) {
      const api = known?.api();
      const standsBack = deps.standsBack();
      const facts: Facts = {
        host,
        pid: process.pid,
        ...(isTemporary ? { isTemporary } : {}),
        ...(api ? { api } : {}),
        behind,
        clockAheadMs,
        ...(known ? { config: known.config() } : {}),
        ...(standsBack ? { standsBack } : {}),
      };
      await ledger.remember(memoOf(home), JSON.stringify(facts));
    },
    use(later) {
      known = later;
    },
    async list() {
      const all = await Promise.all(
        (await members.list()).map(async ({ id, leads, ...member }) => ({
          ...member,
          ...(await factsOf(member.home)),
          isUs: id === holder,
          leads: leads.includes(DISCORD),
        })),
      );
      const differences = differencesOf(all);
      return all.map((member) => {
        const differs = differences.get(member.home);
        return differs ? { ...member, differs } : member;
      });
    },
  };
}

function memoOf(home: string): string {
  return `member/${home}`;
}
