import { createActs } from "./acts.js";
import { createAddress } from "./address.js";
import { createApi, takeKey } from "./api.js";
import { createApply } from "./apply.js";
import { createComposer } from "./composer.js";
import { followEvents } from "./events.js";
import { openMessageMenu, pickReaction } from "./message-menu.js";
import { openModal } from "./modal.js";
import { createShell } from "./shell.js";
import { createMembers, createSidebar } from "./sidebar.js";
import { createState } from "./state.js";
import { keepTime } from "./time.js";
import { createTimeline } from "./timeline.js";

const PERSON = "local-guild.person";
const LAST_CHANNEL = "local-guild.channel";
const FIRST_CHANNEL = "technical";
const RETRY_MS = 1500;

takeKey();
const api = createApi();
const state = createState();
const acts = createActs({ api, state, onForm: (interaction) => openForm(interaction) });
let stream;
let isRefused = false;

const fail = (error) => {
  if (error?.status === 401) return refuseKey();
  shell.toast([error?.message ?? String(error), error?.hint].filter(Boolean).join(" "), true);
};

/** What messages need to know and do. */
const context = {
  get you() {
    return state.you?.id;
  },
  get canReact() {
    return state.channel(state.current)?.can_react !== false;
  },
  get canSend() {
    return state.channel(state.current)?.can_send === true;
  },
  get messageLength() {
    return state.limits.message_length;
  },
  botName: () => state.bot?.name ?? "the bot",
  member: (id) => state.member(id),
  role: (id) => state.role(id),
  channel: (id) => state.channel(id),
  members: () => state.members,
  roles: () => state.roles,
  channels: () => state.channels(),
  openChannel: (id) => actions.openChannel(id),
  openMessage: (channel, id) => actions.openMessage(channel, id).catch(fail),
  nameOfInteraction: acts.nameOfInteraction,
  isBusy: (message, customId) => state.busy.has(`${message}:${customId}`),
  onComponent: (message, customId, values) => acts.component(message, customId, values),
  onReact: (message, emoji, add) => acts.react(message, emoji, add).catch(fail),
  onPickReaction: (message, anchor) => pickReaction(message, anchor, { acts, fail }),
  onReply: (message) => composer.setReply(message),
  onMenu: (message, anchor) =>
    openMessageMenu(message, anchor, { state, acts, context, toast: (text) => shell.toast(text), fail }),
  onDismiss: (message) => {
    state.feed(message.channel_id).remove(message.id);
    state.tell("messages");
    composer.focus();
  },
  onEdit: (message) => {
    state.editing = message.id;
    state.edited = message.content;
    state.tell("messages");
  },
  get edited() {
    return state.edited;
  },
  onEditing: (text) => {
    state.edited = text;
  },
  onEdited: async (message, text) => {
    state.editing = undefined;
    state.tell("messages");
    composer.focus();
    if (!text || text === message.content) return;
    try {
      await acts.edit(message, text);
    } catch (error) {
      // What was written is not lost: its field is there again.
      state.editing = message.id;
      state.edited = text;
      state.tell("messages");
      fail(error);
    }
  },
  jumpTo: (id) => actions.openMessage(state.current, id).catch(fail),
};

const actions = {
  ...acts,
  fail,
  lastOwn: () => timeline.lastOwn(),
  closeDrawer: () => shell.drawer(false),
  openChannel(id, { focus = false, isStep = true } = {}) {
    const channel = state.channel(id);
    if (!channel) return;
    if (state.current !== id) {
      state.newAfter = state.isUnread(channel) ? state.read[id] : undefined;
      state.current = id;
      state.editing = undefined;
      state.typing.clear();
      localStorage.setItem(LAST_CHANNEL, channel.name);
      address.write(channel, { isStep });
    }
    drawAll();
    timeline.toBottom();
    shell.drawer(false);
    if (focus && matchMedia("(hover: hover)").matches) composer.focus();
    acts
      .loadNewest(id)
      .then(() => state.current === id && timeline.render())
      .catch(fail);
  },
  async openMessage(channel, id) {
    if (channel !== state.current) {
      actions.openChannel(channel);
      await acts.loadNewest(channel);
      timeline.render();
    }
    if (!(await timeline.jumpTo(id))) shell.toast("That message is not here any more.", true);
  },
  async switchPerson(name) {
    api.person = name;
    sessionStorage.setItem(PERSON, name);
    await load();
    shell.toast(`You are ${state.you.display ?? state.you.name} now.`);
  },
};

const address = createAddress({
  state,
  open: (id) => actions.openChannel(id, { focus: true }),
  onUnknown: (name) => shell.toast(`There is no channel #${name} here.`, true),
  onKey: () => isRefused && load().catch(fail),
});
const sidebar = createSidebar({
  state,
  actions: { ...actions, switchPerson: (name) => actions.switchPerson(name).catch(fail) },
});
const members = createMembers({ state });
const timeline = createTimeline({ state, context, actions });
const composer = createComposer({ state, context, actions });
const shell = createShell({ state, actions, sidebar, members, timeline, composer, context });

function drawAll() {
  sidebar.render();
  members.render();
  shell.renderHead();
  shell.renderBanners();
  composer.render();
  timeline.render();
}

function refuseKey() {
  isRefused = true;
  stream?.close();
  shell.refuse(
    "This page needs its key",
    "Open the address that npm start printed: it ends in #key=… and opens the guild.",
  );
}

function openForm(interaction) {
  if (interaction.type === 2) composer.leaveCommand(interaction.channel_id);
  openModal(interaction, {
    context,
    onSubmit: (fields) => acts.modal(interaction, fields),
    onClosed: () => {
      // A form that a button opened gives the focus back to it, when it is still there.
      if (interaction.type === 2 || document.activeElement === document.body) composer.focus();
    },
  });
}

const apply = createApply({ state, acts, reload: () => load().catch(fail) });

/** Reads everything anew and follows what happens from there. Tries until the guild answers. */
async function load() {
  isRefused = false;
  stream?.close();
  for (;;) {
    try {
      const answer = await api.get("/local/state");
      state.feeds.clear();
      acts.forget();
      state.pings.clear();
      state.take(answer);
      stream = followEvents({
        api,
        after: answer.events,
        onEvent: apply,
        onState: (now) => {
          if (now === "refused") return refuseKey();
          state.connection = now;
          if (now === "open") composer.connected();
          shell.renderBanners();
        },
      });
      break;
    } catch (error) {
      if (error.status === 401) return refuseKey();
      if (error.status === 404 && api.person !== "you") api.person = "you";
      else if (error.status !== undefined) throw error;
      if (!state.ready)
        shell.refuse(
          "The local guild does not answer",
          "This page tries again by itself. Is npm start running?",
        );
      state.connection = "lost";
      if (state.ready) shell.renderBanners();
      await new Promise((wake) => setTimeout(wake, RETRY_MS));
    }
  }
  shell.mount();
  const wanted = address.wanted() ?? localStorage.getItem(LAST_CHANNEL) ?? FIRST_CHANNEL;
  const channel =
    state.channel(state.current) ??
    address.find(wanted) ??
    state.channelNamed(FIRST_CHANNEL) ??
    state.channels()[0];
  if (channel) actions.openChannel(channel.id, { focus: true, isStep: false });
}

state.on("messages", () => timeline.render());
state.on("message", (message) => {
  state.feed(message.channel_id).put(message);
  state.noteLast(message);
  if (message.channel_id !== state.current) return;
  if (message.author?.id === state.you.id && !message.edited_timestamp) timeline.arrived(message);
  else timeline.render();
});
state.on("arrived", (message) => {
  if (message.channel_id === state.current) timeline.arrived(message);
  drawTyping();
});
state.on("channels", () => {
  sidebar.render();
  shell.renderHead();
  composer.render();
});
state.on("commands", () => composer.render());
state.on("bot", () => {
  shell.renderBanners();
  members.render();
});
state.on("gone", () => actions.openChannel(state.channels()[0]?.id, { isStep: false }));

function drawTyping() {
  const now = Date.now();
  for (const [id, until] of state.typing) if (until <= now) state.typing.delete(id);
  composer.showTyping(
    [...state.typing.keys()].map((id) => state.member(id)?.display ?? state.member(id)?.name ?? "Someone"),
  );
}
state.on("typing", drawTyping);
setInterval(() => state.typing.size > 0 && drawTyping(), 1000);

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const all = state.channels();
    const at = all.findIndex(({ id }) => id === state.current);
    const next = all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length];
    event.preventDefault();
    if (next) actions.openChannel(next.id, { focus: true });
    return;
  }
  const isTyping = event.target.closest?.("input, textarea, select, [role=menu], [role=listbox], button");
  const isLetter =
    event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && event.key !== " ";
  if (!isTyping && isLetter) composer.focus();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (type === "drop") composer.addFiles([...event.dataTransfer.files]);
  });
}

api.person = sessionStorage.getItem(PERSON) ?? "you";
keepTime();
load().catch((error) => {
  shell.refuse("The page could not be opened", error?.message ?? String(error));
  reportError(error);
});
