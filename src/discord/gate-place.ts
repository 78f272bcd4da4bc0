import type { DeliveryTarget, GateRef } from "../domain/effects.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Approvers } from "./approvers.ts";
import type { ChannelDirectory, GuildChannel } from "./channels.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { gateDelivery, shownGate } from "./render-gate.ts";

export type GatePlace = (run: string, gate: GateRef, to: DeliveryTarget) => Promise<GuildChannel | undefined>;

/**
 * Where a gate is shown: where it already is; else the channel for approvals; and when the guild lacks that one, or
 * its approvers cannot see it, the channel where the run was asked. Said once in the log for each reason.
 */
export function createGatePlace(deps: {
  readonly channels: ChannelDirectory;
  readonly deliveries: DeliveryPort;
  readonly approvers: Approvers;
  readonly log: Log;
}): GatePlace {
  const { channels, deliveries, approvers, log } = deps;
  const said = new Set<string>();

  function once(reason: string, fields: object): void {
    if (said.has(reason)) return;
    said.add(reason);
    log.warn(fields, reason);
  }

  return async function gatePlace(run, gate, to) {
    const before = (await deliveries.receipts(gateDelivery(run, gate))).at(-1);
    if (before) return { id: before.channel, name: before.channel };
    const subject = await deliveries.view(run);
    const view = subject.kind === "run" ? subject.view : undefined;
    const shown = view && shownGate(view, gate);
    const wanted = channels.target(to);
    const asked = view?.origin.channel ? channels.target({ channel: view.origin.channel }) : undefined;
    if (!wanted) {
      once("the guild lacks a channel for approvals; gates are shown where the run was asked", { to });
      return asked ?? channels.forRole("results");
    }
    if (asked && !approvers.canSee(wanted.id, shown?.gate?.approvers ?? [])) {
      once("approvers cannot see the channel for approvals; their gates are shown where the run was asked", {
        channel: wanted.name,
        run,
      });
      return asked;
    }
    return wanted;
  };
}

/** A card's channel; proposals are shown among the results in a guild that has none for approvals. */
export function placeOf(
  channels: ChannelDirectory,
  to: DeliveryTarget,
  round: number | undefined,
): GuildChannel | undefined {
  return channels.target(to) ?? (round === undefined ? undefined : channels.forRole("results"));
}
