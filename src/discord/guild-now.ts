import {
  type APIApplication,
  type APIChannel,
  type APIGuild,
  type APIGuildMember,
  type APIUser,
  type Client,
  GatewayDispatchEvents,
  type REST,
  type RESTGetAPIGuildThreadsResult,
  Routes,
  type SessionInfo,
} from "discord.js";
import type { Gateway } from "./session.ts";

/** A Discord that is slower than this gets an IDENTIFY. */
const READ_MS = 5000;

type GuildNow = Awaited<ReturnType<typeof readGuild>>;

/**
 * A session that another process began says nothing of who we are and what guild there is: READY and GUILD_CREATE came
 * before. The same is read over REST and told to discord.js, before Discord sends what happened since.
 */
export async function tellGuild(
  client: Client,
  manager: Gateway,
  { guildId, session }: { readonly guildId: string; readonly session: SessionInfo },
): Promise<void> {
  const { url } = await manager.fetchGatewayInformation();
  if (!isSamePlace(session.resumeURL, url)) {
    throw new Error(`the session is to be resumed at ${session.resumeURL}, which is not Discord's`);
  }
  tell(manager, session, await readGuild(client.rest, guildId));
  const guild = client.guilds.cache.get(guildId);
  // Over REST a bot is told of all channels.
  for (const channel of guild?.channels.cache.values() ?? []) {
    if (!channel.viewable) guild?.channels.cache.delete(channel.id);
  }
}

/** The token is sent there: what stands in the ledger does not choose another place. */
function isSamePlace(resume: string, main: string): boolean {
  if (!URL.canParse(resume)) return false;
  const [one, other] = [new URL(resume), new URL(main)];
  const site = (host: string) => host.split(".").slice(-2).join(".");
  if (one.protocol !== other.protocol) return false;
  if (one.host === other.host) return true;
  return one.hostname.endsWith(".discord.gg") && site(one.hostname) === site(other.hostname);
}

async function readGuild(rest: REST, guildId: string) {
  const signal = AbortSignal.timeout(READ_MS);
  const get = async <T>(route: `/${string}`) => (await rest.get(route, { signal })) as T;
  const user = get<APIUser>(Routes.user());
  const [me, application, guild, channels, { threads }, member] = await Promise.all([
    user,
    get<APIApplication>(Routes.currentApplication()),
    get<APIGuild>(Routes.guild(guildId)),
    get<readonly APIChannel[]>(Routes.guildChannels(guildId)),
    get<RESTGetAPIGuildThreadsResult>(Routes.guildActiveThreads(guildId)),
    user.then(({ id }) => get<APIGuildMember>(Routes.guildMember(guildId, id))),
  ]);
  return { me, application, guild, channels, threads, member };
}

function tell(manager: Gateway, session: SessionInfo, now: GuildNow): void {
  const { me, application, guild, channels, threads, member } = now;
  const { shardId, sequence: s } = session;
  const ready = {
    v: 10,
    user: me,
    guilds: [{ id: guild.id, unavailable: true }],
    session_id: session.sessionId,
    resume_gateway_url: session.resumeURL,
    shard: [session.shardId, session.shardCount],
    application: { id: application.id, flags: application.flags },
  };
  const whole = {
    ...guild,
    unavailable: false,
    joined_at: member.joined_at,
    member_count: guild.approximate_member_count ?? 0,
    channels,
    threads,
    members: [member],
  };
  const emit = manager.emit.bind(manager) as (event: string, payload: object) => void;
  emit("ready", { data: ready, shardId });
  emit("dispatch", { data: { op: 0, s, t: GatewayDispatchEvents.Ready, d: ready }, shardId });
  emit("dispatch", { data: { op: 0, s, t: GatewayDispatchEvents.GuildCreate, d: whole }, shardId });
}
