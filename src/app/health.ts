import type { Config } from "../domain/config.ts";
import { adviceFor, standsBackText } from "../domain/member.ts";
import { HELD, HOLD_CHECK } from "../engine/hold.ts";
import type { Agents } from "../engine/ports/agents.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Health, MemberView } from "../engine/verbs.ts";
import { counted } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Edge } from "./edge.ts";
import { nameOf } from "./elsewhere.ts";
import type { Shared } from "./membership.ts";

const OVERDUE_MS = 60_000;
const BROKEN_FOR_MS = 60_000;
/** A request that fails once is no trouble. */
const UNANSWERED_MS = 10_000;
/** Work goes on whatever these say. */
const ADVICE: ReadonlySet<string> = new Set(["agents", "members", "posts", HOLD_CHECK]);

/** Who of those that share the ledger is not like the one that leads, or did not reach Discord when it led. */
function membersCheck(members: readonly MemberView[], now: number): Health["checks"][number] {
  const back = members.flatMap((member) =>
    member.standsBack ? [`${nameOf(member)} ${standsBackText(member.standsBack, now)}`] : [],
  );
  const said = [...back, ...differing(members)];
  const name = "members";
  if (said.length === 0) return { name, ok: true, text: `${members.length} at work` };
  return { name, ok: false, text: said.join("; ") };
}

function differing(members: readonly MemberView[]): readonly string[] {
  const others = members.filter(({ differs }) => differs);
  if (others.length === 0) return [];
  const said = others.map((member) => `${nameOf(member)}: other ${member.differs?.join(", ")}`).join("; ");
  const advice = adviceFor([...new Set(others.flatMap(({ differs }) => differs ?? []))]);
  return [`${said} than the one that leads: ${advice}`];
}

/** What `/health/ready` and `hq status` say of the supervisor itself. */
export function createHealth(deps: {
  readonly ledger: Ledger;
  readonly agents: Agents;
  readonly config: () => Config;
  readonly version: string;
  readonly mode: Health["mode"];
  readonly startedAt: number;
  readonly edge: () => Pick<Edge, "isConnected" | "unanswered" | "trouble" | "troubledPosts"> | undefined;
  readonly isHeld: () => Promise<boolean>;
  /** Where several share the ledger. */
  readonly shared?: Shared;
  readonly now: () => number;
}) {
  let isReady = false;
  let broken: { readonly at: number; readonly text: string } | undefined;

  async function ledgerCheck() {
    const { now } = deps;
    if (broken && now() - broken.at < BROKEN_FOR_MS) return { name: "ledger", ok: false, text: broken.text };
    const backlog = await deps.ledger.backlog();
    const oldest = Math.min(
      now(),
      ...backlog
        .filter(({ type }) => type !== "post" && type !== "card" && type !== "dispatch")
        .map(({ oldestDueAt }) => oldestDueAt),
    );
    const lateMs = now() - oldest;
    const open = backlog.reduce((sum, { count }) => sum + count, 0);
    return lateMs > OVERDUE_MS
      ? { name: "ledger", ok: false, text: `work is overdue since ${formatDuration(lateMs)}` }
      : { name: "ledger", ok: true, text: `${open} effects wait` };
  }

  function discordCheck(members: readonly MemberView[] | undefined) {
    if (deps.mode === "embedded") return [];
    const edge = deps.edge();
    if (deps.shared && !deps.shared.leads() && !edge?.isConnected()) {
      const leader = members?.find(({ leads, isUs }) => leads && !isUs);
      const text = leader ? `${nameOf(leader)} leads` : "no supervisor leads now; one will in a moment";
      return [{ name: "discord", ok: true, text }];
    }
    if (!edge?.isConnected()) {
      const text = edge?.trouble() ?? "not connected yet; results wait and are posted when it is back";
      return [{ name: "discord", ok: false, text }];
    }
    const unanswered = edge.unanswered();
    const isOld = unanswered && deps.now() - unanswered.since >= UNANSWERED_MS;
    const refused = unanswered ? undefined : edge.trouble();
    if (refused) return [{ name: "discord", ok: false, text: `connected, but ${refused}; results wait` }];
    if (!isOld) return [{ name: "discord", ok: true, text: "connected" }];
    const text = `connected, but ${edge.trouble()}; results wait and are posted when it answers`;
    return [{ name: "discord", ok: false, text }];
  }

  /** Only where there is something to say. */
  function postsCheck() {
    const troubled = deps.edge()?.troubledPosts();
    if (!troubled) return [];
    const { count, reason, isUnasked, isNowhere, until, what } = troubled;
    if (isUnasked) {
      const text = `${counted(count, "question waits", "questions wait")} for people and can be shown nowhere: ${reason}; make one for approvals (config/channels.yaml)`;
      return [{ name: "posts", ok: false, text }];
    }
    if (what === "queue") {
      const text = `the task queue cannot be read, and what is written there waits: ${reason}; \`hq doctor\` names what is missing`;
      return [{ name: "posts", ok: false, text }];
    }
    const waiting =
      what === "tasks"
        ? counted(count, "task waits", "tasks wait")
        : counted(count, "post waits", "posts wait");
    if (until !== undefined) {
      const text = `${waiting} until ${new Date(until).toISOString()}, when Discord wants to be asked again: ${reason}`;
      return [{ name: "posts", ok: false, text }];
    }
    const since = isNowhere ? "" : " after five tries or more";
    const text = `${waiting}${since}: ${reason}; \`hq doctor\` names what is missing`;
    return [{ name: "posts", ok: false, text }];
  }

  /** Likewise. */
  async function holdCheck() {
    if (!(await deps.isHeld())) return [];
    return [{ name: HOLD_CHECK, ok: false, text: `${HELD.text} ${HELD.hint}` }];
  }

  function agentsCheck() {
    const { agents } = deps.config().registry;
    const down = agents.filter(({ id }) =>
      ["down", "unauthorized"].includes(deps.agents.health(id)?.state ?? ""),
    );
    const text =
      down.length === 0 ? `${agents.length} known` : `not answering: ${down.map(({ id }) => id).join(", ")}`;
    return { name: "agents", ok: down.length === 0, text };
  }

  return {
    noteReady() {
      isReady = true;
    },
    /** For failures that no request hears of: a loop that could not write. */
    noteBroken: (log: Log) => (error: unknown) => {
      broken = { at: deps.now(), text: error instanceof Error ? error.message : String(error) };
      log.error({ err: error }, "the engine could not write or read");
    },
    async read(): Promise<Health> {
      const members = await deps.shared?.roster.list();
      const checks = [
        await ledgerCheck(),
        ...discordCheck(members),
        ...postsCheck(),
        ...(await holdCheck()),
        agentsCheck(),
        ...(members ? [membersCheck(members, deps.now())] : []),
      ];
      const { version, mode, startedAt } = deps;
      const ready = isReady && checks.every(({ name, ok }) => ok || ADVICE.has(name));
      return { ready, version, mode, startedAt, checks, ...(members ? { members } : {}) };
    },
  };
}
