import { compareIds } from "./dom.js";

const KEPT = 400;

/** The messages of one channel that the page holds, oldest first. Messages are replaced, never changed in place. */
export function createFeed() {
  const byId = new Map();
  const removed = new Set();
  let order = [];
  return {
    /** All from the newest on are here and kept up to date. */
    loaded: false,
    /** There is nothing older. */
    complete: false,
    loading: undefined,
    get messages() {
      return order;
    },
    get: (id) => byId.get(id),
    put(message) {
      const known = byId.has(message.id);
      byId.set(message.id, message);
      if (known) order = order.map((one) => (one.id === message.id ? message : one));
      else if (order.length === 0 || compareIds(order.at(-1).id, message.id) < 0) order = [...order, message];
      else order = [...byId.values()].sort((a, b) => compareIds(a.id, b.id));
    },
    /** What events told of a message while these were under way is newer. */
    putAll(messages) {
      for (const message of messages)
        if (!byId.has(message.id) && !removed.has(message.id)) byId.set(message.id, message);
      order = [...byId.values()].sort((a, b) => compareIds(a.id, b.id));
    },
    remove(id) {
      removed.add(id);
      if (!byId.delete(id)) return;
      order = order.filter((one) => one.id !== id);
    },
    /** Forgets the oldest of a long list; they can be loaded again. */
    trim() {
      if (order.length <= KEPT) return;
      for (const message of order.slice(0, order.length - KEPT / 2)) byId.delete(message.id);
      order = order.slice(order.length - KEPT / 2);
      this.complete = false;
    },
  };
}
