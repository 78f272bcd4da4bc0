import { Unreached } from "./api.js";
import { compareIds } from "./dom.js";
import { createOnce } from "./once.js";

const PAGE = 50;
const RETRY_MS = 1500;

/**
 * What a person does, as calls to the guild, and what the page remembers of them until they are answered.
 * Events may overtake the answer of the call that caused them: `seen` holds the newest state of each interaction.
 */
export function createActs({ api, state, onForm }) {
  const once = createOnce();
  const seen = new Map();
  /** What was begun here: a form opens in the tab that asked for it, not in the person's other ones. */
  const own = new Set();
  const pending = new Map();
  const clicks = new Map();
  const names = new Map();
  let local = 0;

  const isOpen = (interaction) => (seen.get(interaction.id) ?? interaction).state === "pending";

  const begin = (path, body) =>
    once([api.person, path, body], (nonce) => api.send("POST", `/local/${path}`, { ...body, nonce }));

  async function startInteraction(channel, name, post) {
    local += 1;
    const key = `sending-${local}`;
    pending.set(key, { key, channel, name });
    state.tell("messages");
    try {
      const interaction = await post();
      pending.delete(key);
      names.set(interaction.id, name);
      begun(interaction);
      if (isOpen(interaction)) pending.set(interaction.id, { key: interaction.id, channel, name });
      else settle(seen.get(interaction.id) ?? interaction);
      return interaction;
    } catch (error) {
      pending.delete(key);
      throw error;
    } finally {
      state.tell("messages");
    }
  }

  function begun({ id }) {
    own.add(id);
    openForm(seen.get(id));
  }

  function openForm(interaction) {
    if (interaction?.state === "modal" && own.delete(interaction.id)) onForm(interaction);
  }

  function settle(interaction) {
    const row = pending.get(interaction.id);
    const click = clicks.get(interaction.id);
    if (interaction.state === "pending") return;
    if (interaction.state === "failed") {
      const text = "The application did not respond.";
      if (row) pending.set(interaction.id, { ...row, error: text });
      if (click) state.clickErrors.set(click.message, `This interaction failed. ${text}`);
    } else pending.delete(interaction.id);
    if (click) {
      clicks.delete(interaction.id);
      state.busy.delete(click.key);
    }
    state.tell("messages");
  }

  /** Tries until the guild answers, or until everything is read anew. */
  async function readNewest(channel, feed) {
    while (state.feeds.get(channel) === feed && !feed.loaded) {
      try {
        const messages = await api.get(`/local/channels/${channel}/messages`, { limit: PAGE });
        feed.putAll(messages);
        feed.complete = messages.length < PAGE;
        feed.loaded = true;
      } catch (error) {
        if (!(error instanceof Unreached)) throw error;
        await new Promise((wake) => setTimeout(wake, RETRY_MS));
      }
    }
  }

  return {
    pendingIn: (channel) => [...pending.values()].filter((one) => one.channel === channel),
    dismissPending(key) {
      pending.delete(key);
      state.tell("messages");
    },
    /** How what was used is called: a command with its slash, a form by its title. */
    nameOfInteraction: (id) => names.get(id),
    /** An interaction got further: by an event or by an answer. */
    noted(interaction) {
      seen.set(interaction.id, interaction);
      const { name, type } = interaction.command ?? {};
      if (name) names.set(interaction.id, type === 1 ? `/${name}` : name);
      settle(interaction);
      openForm(interaction);
    },
    forget() {
      pending.clear();
      clicks.clear();
      state.busy.clear();
      state.clickErrors.clear();
    },
    async loadNewest(channel) {
      const feed = state.feed(channel);
      if (feed.loaded) return;
      feed.loading ??= readNewest(channel, feed);
      try {
        await feed.loading;
      } finally {
        feed.loading = undefined;
      }
    },
    async loadOlder(channel) {
      const feed = state.feed(channel);
      const first = feed.messages[0];
      if (feed.complete || !first) return;
      feed.loading ??= api
        .get(`/local/channels/${channel}/messages`, { limit: PAGE, before: first.id })
        .then((messages) => {
          feed.putAll(messages);
          feed.complete = messages.length < PAGE;
        });
      try {
        await feed.loading;
      } finally {
        feed.loading = undefined;
      }
    },
    async message({ channel, content, files, reply }) {
      const body = { channel, ...(content ? { content } : {}), ...(reply ? { reply_to: reply } : {}) };
      const attached = files.map(({ name, size, lastModified }) => [name, size, lastModified]);
      const message = await once([api.person, body, attached], (nonce) =>
        files.length > 0
          ? api.upload("/local/messages", { ...body, nonce }, files)
          : api.send("POST", "/local/messages", { ...body, nonce }),
      );
      state.tell("message", message);
      return message;
    },
    async edit(message, content) {
      state.tell("message", await api.send("PATCH", `/local/messages/${message.id}`, { content }));
    },
    remove: (message) => api.remove(`/local/messages/${message.id}`),
    async react(message, emoji, add) {
      state.tell(
        "message",
        await api.send(add ? "POST" : "DELETE", "/local/reactions", {
          channel: message.channel_id,
          message: message.id,
          emoji,
        }),
      );
    },
    autocomplete: (channel, name, options, focused) =>
      api.send("POST", "/local/autocomplete", { channel, name, options, focused }),
    command: (channel, name, options) =>
      startInteraction(channel, `/${name}`, () => begin("commands", { channel, name, options })),
    messageCommand: ({ id, channel_id: channel }, name) =>
      startInteraction(channel, name, () => begin("commands", { channel, name, type: 3, target: id })),
    async component(message, customId, values) {
      const key = `${message.id}:${customId}`;
      // The second click of a double one comes before the button shows that it works.
      if (state.busy.has(key)) return;
      state.busy.add(key);
      state.clickErrors.delete(message.id);
      state.tell("messages");
      try {
        const interaction = await api.send("POST", "/local/components", {
          channel: message.channel_id,
          message: message.id,
          custom_id: customId,
          ...(values ? { values } : {}),
        });
        clicks.set(interaction.id, { key, message: message.id });
        begun(interaction);
        settle(seen.get(interaction.id) ?? interaction);
      } catch (error) {
        state.busy.delete(key);
        state.clickErrors.set(message.id, [error.message, error.hint].filter(Boolean).join(" "));
        state.tell("messages");
      }
    },
    modal: (interaction, fields) =>
      startInteraction(
        interaction.channel_id,
        names.get(interaction.id) ?? interaction.modal.title ?? "a form",
        () => begin("modals", { interaction: interaction.id, fields }),
      ),
    newest: (a, b) => compareIds(a, b),
  };
}
