import { has } from "./message.js";

/** Takes the guild's events into the state; says which parts of the page are to be drawn again. */
export function createApply({ state, acts, reload }) {
  function put(message, isNew) {
    const feed = state.feed(message.channel_id);
    const known = feed.get(message.id) !== undefined;
    if (feed.loaded || feed.loading || has(message, "ephemeral") || known) feed.put(message);
    if (!has(message, "ephemeral")) state.noteLast(message);
    if (known || !isNew) return;
    const thread = state.threads.find((one) => one.id === message.channel_id);
    if (thread && !has(message, "ephemeral")) {
      state.putChannel({ ...thread, message_count: thread.message_count + 1 });
      state.tell("messages");
    }
    const isCurrent = message.channel_id === state.current;
    if (!isCurrent && (message.pinged ?? []).includes(state.you.id)) {
      state.pings.set(message.channel_id, (state.pings.get(message.channel_id) ?? 0) + 1);
    }
    if (message.author?.id !== undefined) state.typing.delete(message.author.id);
    state.tell("arrived", message);
  }

  function reaction({ channel_id: channel, message_id: id, user_id: user, emoji, count }, added) {
    const feed = state.feed(channel);
    const message = feed.get(id);
    if (!message) return;
    const mine = user === state.you.id;
    const list = message.reactions ?? [];
    const old = list.find((one) => one.emoji.name === emoji.name);
    const users = (old?.users ?? []).filter((one) => one !== user);
    const next = {
      ...old,
      emoji,
      count,
      me: mine ? added : (old?.me ?? false),
      users: added ? [...users, user] : users,
    };
    const others = list.map((one) => (one === old ? next : one));
    feed.put({ ...message, reactions: (old ? others : [...list, next]).filter((one) => one.count > 0) });
    state.tell("messages");
  }

  function interaction(given) {
    acts.noted(given);
    const { message } = given;
    if (!message) return;
    if (given.state === "deleted") state.feed(message.channel_id).remove(message.id);
    else put(message, true);
    state.tell("messages");
  }

  const apply = {
    "message-create": (message) => {
      put(message, true);
      state.tell("channels");
    },
    "message-update": (message) => {
      put(message, false);
      state.tell("messages");
    },
    "message-delete": ({ id, channel_id: channel }) => {
      state.feed(channel).remove(id);
      state.tell("messages");
    },
    "reaction-add": (given) => reaction(given, true),
    "reaction-remove": (given) => reaction(given, false),
    "interaction-reply": interaction,
    "modal-open": (given) => acts.noted({ ...given, state: "modal" }),
    "channel-create": (channel) => {
      state.putChannel(channel);
      state.tell("channels");
      state.tell("messages");
    },
    "channel-update": (channel) => {
      const known = state.channel(channel.id);
      state.putChannel({ ...known, ...channel });
      state.tell("channels");
    },
    "channel-delete": ({ id }) => {
      state.dropChannel(id);
      state.tell("channels");
      if (state.current === id) state.tell("gone");
    },
    "commands-update": ({ commands }) => {
      state.commands = commands;
      state.tell("commands");
    },
    "bot-online": () => online(true),
    "bot-offline": () => online(false),
    typing: ({ channel_id: channel, user_id: user }) => {
      if (channel !== state.current || user === state.you.id) return;
      state.typing.set(user, Date.now() + 8000);
      state.tell("typing");
    },
    reset: () => reload(),
  };

  function online(isOnline) {
    state.bot = { ...state.bot, online: isOnline };
    state.members = state.members.map((one) =>
      one.id === state.bot.id ? { ...one, online: isOnline } : one,
    );
    state.tell("bot");
  }

  return (name, data) => apply[name]?.(data);
}
