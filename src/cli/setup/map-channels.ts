import type { ChannelRole } from "../../domain/effects.ts";
import type { Settings } from "../../domain/settings.ts";
import { type Channel, placeRoles } from "../doctor/guild.ts";
import { named, type Questions } from "./questions.ts";

const PURPOSES: Readonly<Record<ChannelRole, string>> = {
  results: "Where shall results be posted?",
  agentLogs: "Where shall the line for each settled delegation go?",
  itOps: "Where shall people read how the agents are?",
  taskQueue: "In which channel are tasks posted?",
  workerPool: "Where shall workers say what they do?",
  interAgent: "Where shall delegations between agents be shown?",
  approvals: "Where shall people be asked to approve?",
};

export type ChannelMap = {
  readonly roles: Readonly<Partial<Record<ChannelRole, string>>>;
  readonly ids: Readonly<Record<string, string>>;
  /** `results → #results`, one for each role. */
  readonly lines: readonly string[];
};

/**
 * Finds each logical channel by its name, also when the guild decorates it (`📊-results`), and asks for the rest.
 * Without questions the rest stays as it is. Undefined = given up.
 */
export async function mapChannels(
  channels: readonly Channel[],
  settings: Settings["channels"],
  questions: Questions | undefined,
): Promise<ChannelMap | undefined> {
  const roles: Partial<Record<ChannelRole, string>> = {};
  const lines: string[] = [];
  for (const { role, wanted, channel, standsIn } of placeRoles(channels, settings)) {
    const many = named(channels, wanted).length;
    // One that is there twice is no reason to share another one's channel without a word.
    const isShared = standsIn !== undefined && many < 2;
    let found = isShared
      ? undefined
      : ((standsIn === undefined ? channel : undefined) ?? decorated(channels, wanted));
    if (!found && !isShared && questions) {
      const id = await questions.channel(PURPOSES[role], wanted, channels);
      if (id === undefined) return undefined;
      found = channels.find((one) => one.id === id);
    }
    if (found) roles[role] = nameOf(found, channels);
    const shown = found ?? channel;
    const absent =
      many > 1
        ? `#${wanted}, of which the guild has ${many}: rename one, or put its id into config/channels.yaml`
        : `#${wanted}, which the guild does not have yet`;
    const shared = many > 1 ? `${many} are called #${wanted}` : `no #${wanted}`;
    lines.push(`${role} → ${shown ? `#${shown.name}` : absent}${standsIn && !found ? ` (${shared})` : ""}`);
  }
  const ids = channels
    .filter((channel) => nameOf(channel, channels) === channel.name)
    .map((channel) => [channel.name, channel.id] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { roles, ids: Object.fromEntries(ids), lines };
}

/** Its name, or its id where the name would not mean it alone or cannot stand in the file. */
function nameOf(channel: Channel, channels: readonly Channel[]): string {
  return named(channels, channel.name).length === 1 && /^[^#\s@]+$/.test(channel.name)
    ? channel.name
    : channel.id;
}

function decorated(channels: readonly Channel[], wanted: string): Channel | undefined {
  const bare = (name: string) => name.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  const found = channels.filter(({ name }) => bare(name) === bare(wanted));
  return found.length === 1 ? found[0] : undefined;
}
