import { type Guild, PermissionFlagsBits } from "discord.js";
import { rolesOfGates } from "../domain/gate.ts";
import type { Log } from "../engine/ports/log.ts";
import type { RunVerbs } from "../engine/run-verbs.ts";
import { findRole } from "./approvers.ts";
import type { ChannelDirectory } from "./channels.ts";

/** What the configuration and the workflows name and the guild lacks: said at every connection. */
export function createGapReport(deps: {
  readonly channels: Pick<ChannelDirectory, "missing">;
  readonly unresolvedRoles: () => readonly string[];
  readonly workflows: RunVerbs["workflows"];
  readonly guild: () => Guild | undefined;
  readonly log: Log;
}): () => void {
  const { log } = deps;
  return () => {
    for (const { role, wanted } of deps.channels.missing())
      log.warn({ role, wanted }, "the guild lacks a channel of config/channels.yaml, or has it twice");
    for (const role of deps.unresolvedRoles())
      log.warn({ role }, "the guild lacks a role of config/acl.yaml, or has it twice");
    const guild = deps.guild();
    const definitions = deps.workflows().flatMap(({ definition }) => definition ?? []);
    for (const { workflow, step, role } of rolesOfGates(definitions)) {
      const found = findRole(guild, role);
      if (found !== undefined) {
        if (!mayPing(guild, found))
          log.warn(
            { workflow, step, role },
            "the bot may not ping a role that is to decide a gate: let anyone mention it",
          );
        continue;
      }
      const text = `${workflow} / ${step} waits for the role ${role}`;
      log.warn(
        { workflow, step, role, text },
        "the guild lacks a role that is to decide a gate, or has it twice",
      );
    }
  };
}

function mayPing(guild: Guild | undefined, role: string): boolean {
  const mayAll = guild?.members.me?.permissions.has(PermissionFlagsBits.MentionEveryone) ?? false;
  return mayAll || (guild?.roles.cache.get(role)?.mentionable ?? false);
}
