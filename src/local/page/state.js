import { compareIds } from "./dom.js";
import { createFeed } from "./feed.js";

const readKey = (guild, person) => `local-guild.read.${guild}.${person}`;

function readOf(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "{}");
  } catch {
    return {};
  }
}

/** Everything that the page knows. Parts listen by name; who changes something says so with `tell`. */
export function createState() {
  const listeners = new Map();
  const state = {
    ready: false,
    person: "you",
    guild: undefined,
    you: undefined,
    categories: [],
    threads: [],
    roles: [],
    members: [],
    commands: [],
    bot: undefined,
    limits: { message_length: 2000, file_bytes: 10_485_760, files: 10 },
    current: undefined,
    connection: "opening",
    feeds: new Map(),
    /** Components that were clicked and not yet answered: `message:custom_id`. */
    busy: new Set(),
    /** Why a message's last click failed, by message id. */
    clickErrors: new Map(),
    read: {},
    pings: new Map(),
    /** Where the line "new" stands in the channel that is open: the last message read before it was opened. */
    newAfter: undefined,
    replyTo: undefined,
    /** The message that is being edited, and what stands in its field by now. */
    editing: undefined,
    edited: undefined,
    typing: new Map(),

    on(name, run) {
      listeners.set(name, [...(listeners.get(name) ?? []), run]);
    },
    tell(name, detail) {
      for (const run of listeners.get(name) ?? []) run(detail);
    },
    take(answer) {
      const { events: _events, ...rest } = answer;
      Object.assign(state, rest, { ready: true });
      state.read = readOf(readKey(state.guild.id, state.you.id));
      const first = Object.keys(state.read).length === 0;
      for (const channel of state.channels()) {
        if (first || state.read[channel.id] === undefined)
          state.read[channel.id] = first ? (channel.last_message_id ?? "0") : "0";
      }
      state.saveRead();
    },
    saveRead() {
      state.takeRead();
      localStorage.setItem(readKey(state.guild.id, state.you.id), JSON.stringify(state.read));
    },
    /** What was read in another tab is read. */
    takeRead() {
      for (const [channel, last] of Object.entries(readOf(readKey(state.guild.id, state.you.id)))) {
        if (compareIds(last, state.read[channel] ?? "0") <= 0) continue;
        state.read[channel] = last;
        state.pings.delete(channel);
      }
    },
    channels: () => [...state.categories.flatMap(({ channels }) => channels), ...state.threads],
    channel: (id) => state.channels().find((one) => one.id === id),
    channelNamed: (name) => state.channels().find((one) => one.name === name),
    member: (id) => state.members.find((one) => one.id === id),
    role: (id) => state.roles.find((one) => one.id === id),
    feed(channel) {
      let feed = state.feeds.get(channel);
      if (!feed) state.feeds.set(channel, (feed = createFeed()));
      return feed;
    },
    isUnread(channel) {
      const last = channel.last_message_id;
      return Boolean(last) && compareIds(last, state.read[channel.id] ?? "0") > 0;
    },
    markRead(channel, id) {
      if (!id || compareIds(id, state.read[channel] ?? "0") <= 0) {
        if (!state.pings.delete(channel)) return;
      } else {
        state.read[channel] = id;
        state.pings.delete(channel);
        state.saveRead();
      }
      state.tell("channels");
    },
    putChannel(channel) {
      const isThread = channel.type === 10 || channel.type === 11 || channel.type === 12;
      if (isThread) {
        state.threads = [...state.threads.filter((one) => one.id !== channel.id), channel];
        return;
      }
      state.categories = state.categories.map((category) =>
        category.channels.some((one) => one.id === channel.id)
          ? { ...category, channels: category.channels.map((one) => (one.id === channel.id ? channel : one)) }
          : category.id === channel.parent_id
            ? {
                ...category,
                channels: [...category.channels, channel].sort((a, b) => a.position - b.position),
              }
            : category,
      );
    },
    dropChannel(id) {
      state.threads = state.threads.filter((one) => one.id !== id);
      state.categories = state.categories.map((category) => ({
        ...category,
        channels: category.channels.filter((one) => one.id !== id),
      }));
      state.feeds.delete(id);
    },
    noteLast(message) {
      const channel = state.channel(message.channel_id);
      if (channel && compareIds(message.id, channel.last_message_id ?? "0") > 0) {
        state.putChannel({ ...channel, last_message_id: message.id });
      }
    },
  };
  addEventListener("storage", ({ key }) => {
    if (!state.ready || key !== readKey(state.guild.id, state.you.id)) return;
    state.takeRead();
    state.tell("channels");
  });
  return state;
}
