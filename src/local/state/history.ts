import { olderFirst } from "./snowflake.ts";

/** The ids of each channel's messages, oldest first. */
export type History = {
  readonly add: (channelId: string, id: string) => void;
  readonly remove: (channelId: string, id: string) => void;
  readonly last: (channelId: string) => string | undefined;
  readonly count: (channelId: string) => number;
  readonly channelOf: (id: string) => string | undefined;
  /** At most `limit` ids, newest first. */
  readonly page: (channelId: string, range: Range) => string[];
  readonly drop: (channelId: string) => string[];
};

export type Range = {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly around?: string | undefined;
  readonly limit: number;
};

export function createHistory(): History {
  const channels = new Map<string, string[]>();
  const homes = new Map<string, string>();
  const of = (channelId: string) => {
    const known = channels.get(channelId) ?? [];
    channels.set(channelId, known);
    return known;
  };
  return {
    add(channelId, id) {
      const ids = of(channelId);
      const last = ids.at(-1);
      if (last !== undefined && olderFirst(last, id) > 0) ids.splice(position(ids, id), 0, id);
      else ids.push(id);
      homes.set(id, channelId);
    },
    remove(channelId, id) {
      const ids = of(channelId);
      const at = position(ids, id);
      if (ids[at] === id) ids.splice(at, 1);
      homes.delete(id);
    },
    last: (channelId) => channels.get(channelId)?.at(-1),
    count: (channelId) => channels.get(channelId)?.length ?? 0,
    channelOf: (id) => homes.get(id),
    page(channelId, { before, after, around, limit }) {
      const ids = channels.get(channelId) ?? [];
      if (around !== undefined) {
        const from = Math.max(0, position(ids, around) - Math.floor(limit / 2));
        return ids.slice(from, from + limit).reverse();
      }
      if (after !== undefined) {
        const at = position(ids, after);
        const from = ids[at] === after ? at + 1 : at;
        return ids.slice(from, from + limit).reverse();
      }
      const end = before === undefined ? ids.length : position(ids, before);
      return ids.slice(Math.max(0, end - limit), end).reverse();
    },
    drop(channelId) {
      const ids = channels.get(channelId) ?? [];
      for (const id of ids) homes.delete(id);
      channels.delete(channelId);
      return ids;
    },
  };
}

/** Where `id` is, or would be. */
function position(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (olderFirst(ids[middle] ?? "", id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
