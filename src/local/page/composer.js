import { Unreached } from "./api.js";
import { createBegun } from "./begun.js";
import { createCommandForm } from "./command-form.js";
import { matching, slashCommands } from "./command-list.js";
import { avatar, el, formatBytes, icon, iconButton } from "./dom.js";
import { openEmoji } from "./emoji.js";
import { authorOf, summaryOf } from "./message.js";
import { createSuggestions } from "./suggestions.js";

/** The box at the bottom: messages, files, replies, and slash commands. */
export function createComposer({ state, context, actions }) {
  const suggestions = createSuggestions();
  const replyBar = el("div", { class: "reply-bar", hidden: true });
  const problem = el("p", { class: "composer-problem", role: "alert" });
  const fileList = el("ul", { class: "file-list", hidden: true, "aria-label": "Files to send" });
  const text = el("textarea", {
    id: "composer-text",
    class: "composer-text",
    rows: "1",
    autocomplete: "off",
    role: "combobox",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
  });
  const picker = el("input", {
    type: "file",
    multiple: true,
    class: "hidden-text",
    tabindex: "-1",
    "aria-hidden": "true",
  });
  const attach = iconButton("plus", "Attach files", () => picker.click());
  const commandsButton = iconButton("slash", "Commands", () => openCommands());
  const emoji = iconButton("smile", "Insert an emoji", (event) =>
    openEmoji({ anchor: event.currentTarget, label: "Insert an emoji", onPick: (char) => insert(char) }),
  );
  const send = iconButton("send", "Send", () => submit().catch(fail), { class: "send" });
  const counter = el("span", { class: "counter", "aria-live": "polite" });
  const box = el(
    "div",
    { class: "composer-box" },
    attach,
    text,
    counter,
    commandsButton,
    emoji,
    send,
    picker,
  );
  const typing = el("p", { class: "typing", role: "status" });
  const closed = el(
    "p",
    { class: "composer-closed", hidden: true },
    icon("lock", 16),
    " You cannot write in this channel.",
  );
  const inner = el("div", { class: "composer-inner" }, replyBar, fileList, box);
  const slot = el("div", { class: "composer-slot" }, inner);
  const node = el("div", { class: "composer" }, suggestions.node, problem, slot, closed, typing);
  const begun = createBegun({ now: () => [channelId, whatIsBegun()], makeForm: formAgain });
  let files = [];
  let form;
  let sending = false;
  let channelId;

  let failure;
  const fail = (error) => {
    failure = error;
    problem.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  };

  function resize() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, window.innerHeight * 0.4)}px`;
    const left = state.limits.message_length - text.value.length;
    counter.textContent = left < 200 ? String(left) : "";
    counter.classList.toggle("counter-over", left < 0);
    send.disabled = sending || (text.value.trim() === "" && files.length === 0) || left < 0;
  }

  function insert(char) {
    text.setRangeText(char, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    onInput();
  }

  // — commands —

  function commandItems(typed) {
    return matching(slashCommands(state.commands), typed).map((entry) => ({
      entry,
      label: `/${entry.name}`,
      more: entry.options.map(({ name, required }) => (required ? name : `[${name}]`)).join(" "),
      detail: entry.canUse ? entry.description : `${entry.description} You may not use it here.`,
      aside: state.bot?.name,
      before: el("span", { class: "suggest-icon" }, icon("slash", 18)),
    }));
  }

  function openCommands() {
    if (form) closeForm();
    text.value = text.value.startsWith("/") ? text.value : "/";
    text.focus();
    onInput();
  }

  function startCommand(entry) {
    suggestions.hide();
    text.value = "";
    setReply(undefined);
    form = makeForm(channelId, entry);
    slot.replaceChildren(form.node);
    problem.textContent = "";
    form.focus();
  }

  /** As it was before the page was loaded anew, when there still is such a command. */
  function formAgain(there, { name, fields }) {
    const entry = slashCommands(state.commands).find((one) => one.name === name);
    return entry && makeForm(there, entry, fields);
  }

  function makeForm(there, entry, given = []) {
    const mine = createCommandForm({
      entry,
      given,
      state,
      suggestions,
      autocomplete: (name, options, focused) => actions.autocomplete(there, name, options, focused),
      onSend: async (chosen, options) => {
        problem.textContent = "";
        await actions.command(there, chosen.name, options);
        if (form === mine || begun.formIn(there) === mine) leaveCommand(there);
      },
      onCancel: closeForm,
      onError: fail,
    });
    return mine;
  }

  function closeForm() {
    if (!form) return;
    suggestions.hide();
    form = undefined;
    problem.textContent = "";
    slot.replaceChildren(inner);
    resize();
    text.focus();
  }

  /** The command that was written in this channel was taken. */
  function leaveCommand(channel) {
    if (channel === channelId) closeForm();
    else begun.drop(channel);
  }

  // — suggestions while typing —

  function suggest() {
    const typed = text.value.slice(0, text.selectionStart);
    if (/^\/[^\n]*$/.test(text.value)) {
      const wanted = text.value.slice(1);
      const entries = slashCommands(state.commands);
      const exact = /\s$/.test(wanted) && entries.filter(({ name }) => name === wanted.trim().toLowerCase());
      if (
        exact &&
        exact.length === 1 &&
        !entries.some(({ name }) => name.startsWith(`${wanted.trim().toLowerCase()} `))
      )
        return startCommand(exact[0]);
      const items = commandItems(wanted);
      if (items.length === 0 && /\s/.test(wanted)) return suggestions.hide();
      const note = state.bot?.online
        ? "No such command"
        : "The bot is offline; its commands come back with it.";
      return suggestions.show({
        for: text,
        label: "Commands",
        items,
        note,
        onPick: ({ entry }) => startCommand(entry),
      });
    }
    const mention = /(?:^|\s)([@#])([\w-]*)$/.exec(typed);
    if (!mention) return suggestions.hide();
    const [, mark, part] = mention;
    const items = mark === "@" ? nameItems(part) : channelItems(part);
    if (items.length === 0) return suggestions.hide();
    suggestions.show({
      for: text,
      label: mark === "@" ? "Members and roles" : "Channels",
      items,
      selectFirst: part !== "",
      onPick: ({ insert: word }) => {
        const start = text.selectionStart - part.length - 1;
        text.setRangeText(`${word} `, start, text.selectionStart, "end");
        suggestions.hide();
        resize();
      },
    });
  }

  const nameItems = (part) =>
    [
      ...state.members.map((one) => ({
        label: one.display ?? one.name,
        detail: one.name,
        insert: one.bot ? `<@${one.id}>` : `@${one.name}`,
        before: avatar({ ...one, username: one.name }, 24),
      })),
      ...state.roles
        .filter(({ name }) => name !== "@everyone")
        .map((one) => ({ label: `@${one.name}`, detail: "role", insert: `@${one.name}` })),
    ]
      .filter(({ label, detail }) => `${label} ${detail}`.toLowerCase().includes(part.toLowerCase()))
      .slice(0, 10);

  const channelItems = (part) =>
    state
      .channels()
      .filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()))
      .slice(0, 10)
      .map((one) => ({ label: `#${one.name}`, detail: one.topic, insert: `<#${one.id}>` }));

  function onInput() {
    problem.textContent = "";
    resize();
    suggest();
  }

  // — files —

  function addFiles(added) {
    const channel = state.channel(channelId);
    if (!channel?.can_attach) return fail(new Error("You cannot attach files in this channel."));
    for (const one of added) {
      if (one.size > state.limits.file_bytes)
        fail(new Error(`${one.name} is larger than ${formatBytes(state.limits.file_bytes)}.`));
      else if (files.length >= state.limits.files)
        fail(new Error(`At most ${state.limits.files} files in one message.`));
      else files = [...files, one];
    }
    renderFiles();
    text.focus();
  }

  function renderFiles() {
    fileList.hidden = files.length === 0;
    fileList.replaceChildren(
      ...files.map((one) =>
        el(
          "li",
          { class: "file-chip" },
          icon("file", 18),
          el("span", { title: one.name }, one.name),
          el("small", {}, formatBytes(one.size)),
          iconButton("close", `Remove ${one.name}`, () => {
            files = files.filter((other) => other !== one);
            renderFiles();
            text.focus();
          }),
        ),
      ),
    );
    resize();
  }

  // — sending —

  async function submit() {
    const content = text.value.trim();
    const most = state.limits.message_length;
    if (text.value.length > most)
      return fail(new Error(`At most ${most} characters in one message; these are ${text.value.length}.`));
    if (sending || send.disabled || (content === "" && files.length === 0)) return;
    sending = true;
    resize();
    problem.textContent = "";
    const sent = { content, files, reply: state.replyTo?.id, channel: channelId };
    try {
      await actions.message(sent);
      if (channelId !== sent.channel) begun.drop(sent.channel);
      else {
        text.value = "";
        files = [];
        renderFiles();
        setReply(undefined);
      }
    } catch (error) {
      fail(error);
    } finally {
      sending = false;
      resize();
    }
  }

  function setReply(message, isAsked = true) {
    state.replyTo = message;
    replyBar.hidden = !message;
    if (!message) return replyBar.replaceChildren();
    const author = authorOf(message, context);
    replyBar.replaceChildren(
      icon("reply", 16),
      el(
        "span",
        {},
        "Replying to ",
        el("strong", {}, author.display),
        el("span", { class: "reply-text" }, ` ${summaryOf(message, context).slice(0, 90)}`),
      ),
      iconButton("close", "Cancel the reply", () => {
        setReply(undefined);
        text.focus();
      }),
    );
    if (isAsked) text.focus();
  }

  const whatIsBegun = () => ({ text: text.value, files, reply: state.replyTo, form });

  /** Goes over to another channel; what was begun in the one before is there again when it is. */
  function changeTo(next) {
    if (channelId) begun.put(channelId, whatIsBegun());
    suggestions.hide();
    channelId = next;
    const there = begun.take(next);
    ({ files, form } = there);
    text.value = there.text;
    problem.textContent = "";
    slot.replaceChildren(form ? form.node : inner);
    renderFiles();
    setReply(there.reply, false);
  }

  text.addEventListener("input", onInput);
  text.addEventListener("blur", () => suggestions.hide());
  text.addEventListener("keydown", (event) => {
    if (suggestions.onKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit().catch(fail);
    } else if (event.key === "Escape" && state.replyTo) setReply(undefined);
    else if (event.key === "ArrowUp" && text.value === "") {
      const own = actions.lastOwn();
      if (own) {
        event.preventDefault();
        context.onEdit(own);
      }
    }
  });
  text.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      addFiles([...event.clipboardData.files]);
    }
  });
  picker.addEventListener("change", () => {
    addFiles([...picker.files]);
    picker.value = "";
  });

  return {
    node,
    setReply,
    addFiles,
    fail,
    /** What failed for want of a connection can be sent again. */
    connected() {
      if (failure instanceof Unreached) problem.textContent = "";
      failure = undefined;
    },
    focus: () => (form ? form.focus() : text.focus()),
    get inCommand() {
      return form !== undefined;
    },
    /** The channel changed, or what may be done in it. */
    render() {
      const channel = state.channel(state.current);
      if (!channel) return;
      if (channelId !== channel.id) changeTo(channel.id);
      const isThread = channel.type === 11;
      const name = `Message ${isThread ? channel.name : `#${channel.name}`}`;
      text.placeholder = name;
      text.setAttribute("aria-label", name);
      slot.hidden = !channel.can_send;
      closed.hidden = channel.can_send;
      attach.hidden = channel.can_attach === false;
      resize();
    },
    showTyping(names) {
      typing.textContent =
        names.length === 0 ? "" : `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`;
    },
    openCommands,
    /** The command was answered with a form: its own fields are done. */
    leaveCommand,
  };
}
