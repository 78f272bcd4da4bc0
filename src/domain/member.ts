import { canonicalJson, digestOf } from "../kernel/id.ts";
import { formatDuration } from "../kernel/time.ts";
import type { AgentCard } from "./agent-card.ts";
import type { Config } from "./config.ts";

/** What supervisors that share a ledger must have alike, each as a digest. */
export type ConfigParts = Readonly<Partial<Record<(typeof PARTS)[number], string>>>;

const PARTS = ["agents", "rights", "channels", "tasks", "workflows"] as const;
const DIGEST_CHARS = 12;

/** What of a configuration is the same on every machine: no paths, and no addresses of samples. */
export function partsOf(
  { registry, acl, people, settings }: Pick<Config, "registry" | "acl" | "people" | "settings">,
  workflows: unknown,
): ConfigParts {
  const { worker: _, ...tasks } = settings.taskQueue;
  const parts = {
    agents: registry.agents.map(anywhere),
    rights: [acl, people],
    channels: settings.channels,
    tasks,
    workflows,
  } satisfies Record<(typeof PARTS)[number], unknown>;
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, digestOf(canonicalJson(part)).slice(0, DIGEST_CHARS)]),
  );
}

const HERE: ReadonlySet<string> = new Set(["caFile", "workspace", "reads", "handoffDir"]);

function anywhere(card: AgentCard): object {
  return Object.fromEntries(
    Object.entries(card).filter(([name]) => !HERE.has(name) && !(card.sample && name === "url")),
  );
}

export type Compared = {
  readonly home: string;
  readonly version: string;
  readonly leads: boolean;
  readonly isTemporary?: true;
  readonly config?: ConfigParts;
};

/** In what each member is not like the one that leads, or like the first where none does. */
export function differencesOf(members: readonly Compared[]): ReadonlyMap<string, readonly string[]> {
  const lasting = members.filter(({ isTemporary }) => !isTemporary);
  const model = lasting.find(({ leads }) => leads) ?? lasting[0];
  if (!model) return new Map();
  return new Map(
    lasting.flatMap((member) => {
      const differs = [
        ...(member.version === model.version ? [] : ["version"]),
        ...PARTS.filter((part) => isOther(member.config?.[part], model.config?.[part])),
      ];
      return differs.length > 0 ? [[member.home, differs] as const] : [];
    }),
  );
}

/** Who has not said yet, or is of a version that says nothing, is not accused. */
function isOther(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** Says of one that led that it did not reach Discord. */
export function standsBackText(
  { since, until, why }: { readonly since: number; readonly until: number; readonly why: string },
  now: number,
): string {
  const left = until > now ? `, leaves the lead to others for ${formatDuration(until - now)} more` : "";
  return `did not reach Discord ${formatDuration(now - since)} ago (${why})${left}`;
}

const FILES: Readonly<Record<string, string>> = {
  agents: "agents.yaml",
  rights: "acl.yaml",
  channels: "channels.yaml",
  tasks: "hq.yaml",
  workflows: "workflows/",
};

/** What to do about it. */
export function adviceFor(differs: readonly string[]): string {
  const files = differs.flatMap((word) => FILES[word] ?? []);
  return [
    ...(differs.includes("version")
      ? ["bring all supervisors to the same version, one after the other"]
      : []),
    ...(files.length > 0 ? [`make ${files.join(", ")} the same everywhere; a change is read by itself`] : []),
  ].join("; ");
}
