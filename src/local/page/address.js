import { takeKey } from "./api.js";

/** The open channel in the page's address: whoever goes back, or gives another address, goes to that channel. */
export function createAddress({ state, open, onUnknown, onKey }) {
  const find = (wanted) => state.channelNamed(wanted) ?? state.channel(wanted);
  /** Of several with one name the address means the first; the others go by their id. */
  const nameOf = (channel) => (find(channel.name)?.id === channel.id ? channel.name : channel.id);

  const address = {
    /** The channel that the address names, as it stands there. */
    wanted: () => new URLSearchParams(location.hash.slice(1)).get("channel") ?? undefined,
    find,
    /** `isStep`: going back leads to the channel before. */
    write(channel, { isStep = false } = {}) {
      const hash = `#channel=${encodeURIComponent(nameOf(channel))}`;
      if (hash === location.hash) return;
      if (isStep) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    },
  };

  addEventListener("hashchange", () => {
    const isKey = new URLSearchParams(location.hash.slice(1)).has("key");
    takeKey();
    if (isKey) onKey();
    if (!state.ready) return;
    const wanted = address.wanted();
    const channel = wanted === undefined ? undefined : find(wanted);
    if (wanted !== undefined && !channel) onUnknown(wanted);
    if (channel && channel.id !== state.current) return open(channel.id);
    const here = state.channel(state.current);
    if (here) address.write(here);
  });
  return address;
}
