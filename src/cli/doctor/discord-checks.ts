import type { Config } from "../../domain/config.ts";
import { rolesOfGates } from "../../domain/gate.ts";
import { resolvePeople } from "../../domain/people.ts";
import type { WorkflowDefinition } from "../../domain/workflow-types.ts";
import { counted } from "../../kernel/text.ts";
import { formatDuration } from "../../kernel/time.ts";
import { type Ask, createAsk } from "./discord-rest.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import { type Failed, type Guild, placeRoles, readApplication, readGuild } from "./guild.ts";
import { checkInteractions } from "./interactions-check.ts";
import {
  channelPermissions,
  guildPermissions,
  inviteLink,
  mayPing,
  missingPermissions,
} from "./permissions.ts";

const SKEW_WARN_MS = 30_000;
const SKEW_FAIL_MS = 300_000;
const PORTAL = "https://discord.com/developers/applications";

export type DiscordAccess = {
  readonly token: string;
  readonly guildId: string | undefined;
  readonly api: string | undefined;
};

/** Token, clock, intents, guild, permissions, channels and people, in the order in which each needs the one before. */
export async function checkDiscord(
  access: DiscordAccess,
  config: Config | undefined,
  now: () => number,
  workflows: readonly WorkflowDefinition[] = [],
): Promise<readonly Finding[]> {
  const ask = createAsk(access);
  const me = await ask("/users/@me");
  if (me.kind !== "ok") return [troubleWithToken(me)];
  const bot = me.body as { id: string; username: string };
  const found: Finding[] = [ok("token", `Discord knows the bot as ${bot.username}`)];
  if (me.dateAt !== undefined) found.push(checkClock(now() - me.dateAt));

  const application = await readApplication(ask);
  if (!application.ok)
    return [...found, troubleWith("intents", "the application cannot be read", application.said)];
  const { id, hasMessageContent } = application.what;
  found.push(
    hasMessageContent
      ? ok("intents", "Message Content is switched on")
      : fail(
          "intents",
          "Message Content is switched off: messages would arrive empty",
          `${PORTAL}/${id}/bot: under Privileged Gateway Intents switch on Message Content Intent, and save`,
        ),
    ...(config ? checkInteractions(application.what, config.settings) : []),
  );
  return [...found, ...(await checkGuild(ask, access.guildId, bot.id, inviteLink(id), config, workflows))];
}

function troubleWithToken(said: Failed): Finding {
  if (said.kind === "refused" && said.status === 401) {
    const mend = `make a new one at ${PORTAL} (your bot, Bot, Reset Token), then run: hq setup`;
    return fail("token", "Discord refuses the bot token", mend);
  }
  return troubleWith("token", "the token cannot be tested", said);
}

function troubleWith(id: string, text: string, said: Failed): Finding {
  if (said.kind === "unreachable")
    return fail(id, `${text}: ${said.text}`, "check the network, a proxy, and DISCORD_API if you set it");
  const mend =
    said.status === 429 ? "wait a minute and try again" : "try again; see https://discordstatus.com";
  return fail(id, `${text}: Discord answers ${said.status} ${said.text}`, mend);
}

/** `skewMs` above zero: this machine is ahead. Discord's header has whole seconds. */
export function checkClock(skewMs: number): Finding {
  const size = Math.abs(skewMs);
  if (size <= SKEW_WARN_MS) return ok("clock", "agrees with Discord's");
  const text = `is ${formatDuration(size)} ${skewMs > 0 ? "ahead of" : "behind"} Discord's`;
  const mend = "let the system set it: timedatectl set-ntp true";
  return size <= SKEW_FAIL_MS ? warn("clock", text, mend) : fail("clock", text, mend);
}

async function checkGuild(
  ask: Ask,
  guildId: string | undefined,
  botId: string,
  invite: string,
  config: Config | undefined,
  workflows: readonly WorkflowDefinition[],
): Promise<readonly Finding[]> {
  if (!guildId) return [fail("guild", "GUILD_ID is not set", "run: hq setup")];
  const read = await readGuild(ask, guildId, botId);
  if (!read.ok) {
    const { said } = read;
    if (said.kind === "refused" && (said.status === 403 || said.status === 404))
      return [fail("guild", `the bot is not in the guild ${guildId}`, `invite it: ${invite}`)];
    return [troubleWith("guild", "the guild cannot be read", said)];
  }
  const guild = read.what;
  const missing = missingPermissions(guildPermissions(guild.id, guild.roles, guild.bot));
  const permissions =
    missing.length === 0
      ? ok("permissions", "the bot has what it needs in the guild")
      : fail(
          "permissions",
          `the bot lacks ${missing.join(", ")} in the guild`,
          `give them to its role (Server Settings, Roles), or invite it again: ${invite}`,
        );
  return [
    ok("guild", guild.name),
    permissions,
    ...(config ? [...checkChannels(guild, config, missing), ...checkPeople(guild, config)] : []),
    ...checkGates(guild, workflows),
  ];
}

function checkChannels(guild: Guild, { settings }: Config, missingInGuild: readonly string[]): Finding[] {
  const inGuild = guildPermissions(guild.id, guild.roles, guild.bot);
  return placeRoles(guild.channels, settings.channels).map(({ role, wanted, channel, standsIn }) => {
    const id = `channel ${role}`;
    if (!channel) {
      const twins = guild.channels.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase()).length;
      const text = twins > 1 ? `there are ${twins} channels called #${wanted}` : `there is no #${wanted}`;
      const mend =
        twins > 1
          ? `write the id of the right one as roles.${role} in config/channels.yaml`
          : `make #${wanted}, or name another channel as roles.${role} in config/channels.yaml (hq setup asks)`;
      return fail(id, text, mend);
    }
    const held = channelPermissions(guild.id, inGuild, channel.permission_overwrites ?? [], guild.bot);
    const missing = missingPermissions(held).filter((name) => !missingInGuild.includes(name));
    if (missing.length > 0)
      return fail(
        id,
        `the bot lacks ${missing.join(", ")} in #${channel.name}`,
        `#${channel.name}: Edit Channel, Permissions, add the bot's role and allow ${missing.join(", ")}`,
      );
    return ok(id, standsIn ? `#${channel.name}, as there is no #${wanted}` : `#${channel.name}`);
  });
}

/** Whoever is to decide must be there, else the gate waits for the operator alone; and must hear of it. */
function checkGates(guild: Guild, workflows: readonly WorkflowDefinition[]): readonly Finding[] {
  const plain = (name: string) => name.replace(/^@/, "").toLowerCase();
  const inGuild = guildPermissions(guild.id, guild.roles, guild.bot);
  const find = (word: string) => {
    const named = guild.roles.filter(({ name }) => plain(name) === plain(word));
    return guild.roles.find(({ id }) => id === word) ?? (named.length === 1 ? named[0] : undefined);
  };
  return rolesOfGates(workflows).flatMap(({ workflow, step, role }) => {
    const found = find(role);
    const decides = `which is to decide ${step} of ${workflow}`;
    if (!found) {
      const mend = `make the role, or name another one in workflows/${workflow}.yaml`;
      return [warn("gates", `the guild has no single role called "${role}", ${decides}`, mend)];
    }
    if (mayPing(inGuild, found)) return [];
    const mend = "Server Settings, Roles, the role, Display: switch on Allow anyone to @mention this role";
    return [warn("gates", `the bot may not ping the role "${role}", ${decides}`, mend)];
  });
}

function checkPeople(guild: Guild, { people }: Config): Finding[] {
  if (people.roles.length + people.users.length === 0)
    return [
      warn(
        "people",
        "nobody in the guild may delegate",
        "add roles or users under people in config/acl.yaml",
      ),
    ];
  const { unresolved } = resolvePeople(people, (name) => {
    const ids = guild.roles.filter((role) => role.name === name).map(({ id }) => id);
    return ids.length === 1 ? ids[0] : undefined;
  });
  if (unresolved.length === 0)
    return [ok("people", `${counted(people.roles.length, "role")}, ${counted(people.users.length, "user")}`)];
  const names = unresolved.map((name) => `"${name}"`).join(", ");
  return [
    warn(
      "people",
      `the guild has no single role called ${names}: such entries give nobody anything`,
      "make the role, or write another role or its id in config/acl.yaml",
    ),
  ];
}
