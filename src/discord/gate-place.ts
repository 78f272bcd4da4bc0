import type { Receipt } from "../domain/delivery-types.ts";
import type { DeliveryTarget, GateRef } from "../domain/effects.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Approvers } from "./approvers.ts";
import type { ChannelDirectory, GuildChannel } from "./channels.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { gateDelivery, shownGate } from "./render-gate.ts";
import type { DiscordRest } from "./rest.ts";
import { isChannelThere } from "./still-there.ts";

export type GatePlace = (run: string, gate: GateRef, to: DeliveryTarget) => Promise<GuildChannel | undefined>;

/** Where people are asked in words, as after too many failures. */
export type AskPlace = (to: DeliveryTarget) => Promise<GuildChannel | undefined>;

/** Where everything else is posted: where it belongs, and #results in place of one channel that is not there. */
export type PostPlace = AskPlace;

/**
 * Where a gate is shown: where it already is; else the channel for approvals; and when the guild lacks that one, or
 * its approvers cannot see it, the channel where the run was asked. Said once in the log for each reason. A channel
 * that was deleted is none of them; undefined when there is none left.
 */
export function createGatePlace(deps: {
  readonly rest: Pick<DiscordRest, "raw">;
  readonly channels: ChannelDirectory;
  readonly deliveries: DeliveryPort;
  readonly approvers: Approvers;
  readonly log: Log;
}): { readonly gatePlace: GatePlace; readonly askPlace: AskPlace; readonly postPlace: PostPlace } {
  const { channels, deliveries, approvers, log } = deps;
  const said = new Set<string>();

  function once(reason: string, fields: object): void {
    if (said.has(reason)) return;
    said.add(reason);
    log.warn(fields, reason);
  }

  /** What we do not know may be a thread in which nobody spoke lately: Discord is asked. */
  async function standing(channel: GuildChannel | undefined): Promise<GuildChannel | undefined> {
    if (!channel || channels.find(channel.id) || (await isChannelThere(deps.rest, channel.id)))
      return channel;
    return undefined;
  }

  async function gatePlace(...[run, gate, to]: Parameters<GatePlace>): ReturnType<GatePlace> {
    const before = latestOf(await deliveries.receipts(gateDelivery(run, gate)));
    const known = await standing(before && { id: before.channel, name: before.channel });
    if (known) return known;
    const subject = await deliveries.view(run);
    const view = subject.kind === "run" ? subject.view : undefined;
    const shown = view && shownGate(view, gate);
    const wanted = channels.target(to);
    const asked = await standing(
      view?.origin.channel ? channels.target({ channel: view.origin.channel }) : undefined,
    );
    const other = asked ?? channels.forRole("results");
    if (!wanted) {
      once("the guild lacks a channel for approvals; gates are shown where the run was asked", { to });
      return other;
    }
    if (other && !approvers.canSee(wanted.id, shown?.gate?.approvers ?? [])) {
      once("approvers cannot see the channel for approvals; their gates are shown where the run was asked", {
        channel: wanted.name,
        run,
      });
      return other;
    }
    return wanted;
  }

  async function postPlace(to: DeliveryTarget): Promise<GuildChannel | undefined> {
    const wanted = await standing(channels.target(to));
    if (wanted || "role" in to) return wanted;
    const results = channels.forRole("results");
    if (results)
      once(`the channel ${to.channel} is not there; what was for it is posted in the one for results`, {});
    return results;
  }

  return {
    gatePlace,
    postPlace,
    askPlace: async (to) =>
      (await standing(channels.target(to))) ?? channels.forRole("approvals") ?? channels.forRole("results"),
  };
}

function latestOf(receipts: readonly Receipt[]): Receipt | undefined {
  return receipts.toSorted((a, b) => a.part - b.part).at(-1);
}

/** A card's channel; proposals are shown among the results in a guild that has none for approvals. */
export function placeOf(
  channels: ChannelDirectory,
  to: DeliveryTarget,
  round: number | undefined,
): GuildChannel | undefined {
  return channels.target(to) ?? (round === undefined ? undefined : channels.forRole("results"));
}
