import type { DeliveryTarget } from "../domain/effects.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import { SNOWFLAKE } from "./channels.ts";
import type { Memory } from "./tasks-read.ts";

const MEMO = "discord/places";
/** Of each target; a ninth channel takes the place of the one that was left first. */
const MOST_KEPT = 8;

/** A channel in which a target's posts went; without `until` they go there now. */
type Place = { readonly channel: string; readonly until?: number };
type Kept = Readonly<Record<string, readonly Place[]>>;

/**
 * Remembers in which channels the posts for a logical channel, or for a channel by its name, went. The configuration,
 * the guild's channels and their names may change while nobody works, and then what was sent before a crash lies
 * elsewhere than it would be posted today.
 */
export function createPlaces({ memory, now }: { readonly memory: Memory; readonly now: () => number }) {
  const noted = new Map<string, string>();
  const oneByOne = createOneByOne();

  async function read(): Promise<Kept> {
    return JSON.parse((await memory.recall(MEMO)) ?? "{}") as Kept;
  }

  async function write(target: string, channel: string): Promise<void> {
    const kept = await read();
    const before = kept[target] ?? [];
    if (before.at(-1)?.channel !== channel) {
      const others = before.filter((place) => place.channel !== channel);
      const left = others.map((place) => ({ until: now(), ...place }));
      const places = [...left, { channel }].slice(-MOST_KEPT);
      await memory.remember(MEMO, JSON.stringify({ ...kept, [target]: places }));
    }
    noted.set(target, channel);
  }

  return {
    /** Safe before the first message is sent there. */
    async note(to: DeliveryTarget, channel: string): Promise<void> {
      const target = nameOf(to);
      if (target === undefined || noted.get(target) === channel) return;
      await oneByOne(() => write(target, channel));
    },
    /** Other channels in which such posts went at any time since. */
    async others(to: DeliveryTarget, channel: string, since: number): Promise<readonly string[]> {
      const target = nameOf(to);
      const places = target === undefined ? [] : ((await read())[target] ?? []);
      const then = places.filter(({ until = Number.POSITIVE_INFINITY }) => until >= since);
      return then.map((place) => place.channel).filter((other) => other !== channel);
    },
  };
}
export type Places = ReturnType<typeof createPlaces>;

/** A channel by its id is always the same one. */
function nameOf(to: DeliveryTarget): string | undefined {
  if ("role" in to) return `role ${to.role}`;
  return SNOWFLAKE.test(to.channel) ? undefined : `channel ${to.channel}`;
}
