import { file } from "./attachments.js";
import { component, textOf } from "./components.js";
import { atom, avatar, el, icon, iconButton } from "./dom.js";
import { embed } from "./embeds.js";
import { emojiName } from "./emoji.js";
import { blocks, isJumbo, plainText } from "./markdown.js";
import { clock, stamp, timeElement } from "./time.js";

const FLAG = { suppressEmbeds: 4, ephemeral: 64, loading: 128, componentsV2: 32768 };
export const has = (message, flag) => ((message.flags ?? 0) & FLAG[flag]) !== 0;
const SYSTEM = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18]);

/** What a message says, in one line: for replies, announcements and names of messages. */
export function summaryOf(message, context) {
  if (has(message, "loading")) return "is thinking";
  const parts = [
    plainText(message.content ?? "", context),
    plainText(textOf(message.components), context),
    ...(message.embeds ?? []).map(({ title, description }) =>
      plainText([title, description].filter(Boolean).join(" "), context),
    ),
  ].filter(Boolean);
  if (parts.length > 0) return parts.join(" ");
  const names = (message.attachments ?? []).map(({ filename }) => filename);
  return names.length > 0 ? names.join(", ") : "message without text";
}

/** Name, colour and kind of who wrote it. */
export function authorOf(message, context) {
  const { author = {}, member } = message;
  const known = context.member(author.id);
  return {
    id: author.id,
    bot: author.bot === true,
    username: author.username,
    display: member?.nick ?? known?.display ?? author.global_name ?? author.username ?? "Unknown",
    color: known?.color,
  };
}

function authorName(author) {
  const colour = author.color ? `#${author.color.toString(16).padStart(6, "0")}` : undefined;
  return el("span", { class: "author", style: colour ? { "--author": colour } : {} }, author.display);
}

const botTag = (author) => (author.bot ? el("span", { class: "tag" }, "BOT") : undefined);

function replyLine(message, context) {
  const target = message.referenced_message;
  const meta = message.interaction_metadata;
  if (meta) {
    const who = meta.user ?? {};
    const known = context.member(who.id);
    const name = known?.display ?? who.global_name ?? who.username ?? "someone";
    const own = message.type === 23 ? meta.name : meta.name && `/${meta.name}`;
    const used = own ?? context.nameOfInteraction?.(meta.id);
    return el(
      "div",
      { class: "reply-line" },
      avatar({ ...who, display: name }, 16),
      el("strong", {}, name),
      " used ",
      el("span", { class: "command-name" }, used ?? { 3: "a button", 5: "a form" }[meta.type] ?? "a command"),
    );
  }
  if (message.type !== 19) return undefined;
  if (!target)
    return el(
      "div",
      { class: "reply-line" },
      icon("reply", 14),
      el("em", {}, "The original message was deleted"),
    );
  const author = authorOf(target, context);
  return el(
    "button",
    {
      type: "button",
      class: "reply-line reply-link",
      "aria-label": `Reply to ${author.display}: ${summaryOf(target, context).slice(0, 80)}. Go there`,
      on: { click: () => context.jumpTo(target.id) },
    },
    icon("reply", 14),
    avatar({ ...target.author, display: author.display }, 16),
    el("strong", {}, author.display),
    el("span", { class: "reply-text" }, summaryOf(target, context).slice(0, 160)),
  );
}

function reactions(message, context) {
  const list = (message.reactions ?? []).filter(({ count }) => count > 0);
  if (list.length === 0) return undefined;
  return el(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    list.map(({ emoji, count, me, users = [] }) => {
      const names = users
        .map((id) => context.member(id)?.display ?? context.member(id)?.name)
        .filter(Boolean);
      return el(
        "button",
        {
          type: "button",
          class: `reaction${me ? " reaction-mine" : ""}`,
          "aria-pressed": String(me === true),
          "aria-label": `${emojiName(emoji.name)}, ${count}${me ? ", you too" : ""}`,
          title: names.length > 0 ? names.join(", ") : emojiName(emoji.name),
          disabled: !context.canReact,
          data: { key: `reaction:${emoji.name}` },
          on: { click: () => context.onReact(message, emoji.name, !me) },
        },
        el("span", { "aria-hidden": "true" }, emoji.name),
        el("span", { class: "reaction-count" }, String(count)),
      );
    }),
    context.canReact
      ? iconButton(
          "smile",
          "Add a reaction",
          (event) => context.onPickReaction(message, event.currentTarget),
          { class: "reaction reaction-add" },
        )
      : undefined,
  );
}

/** The thread that began at a message has the message's id. The guild's list is newer than the message. */
export function threadOf(message, context) {
  return context.channel(message.thread?.id ?? message.id) ?? message.thread;
}

function threadLine(message, context) {
  const thread = threadOf(message, context);
  if (!thread) return undefined;
  const count = thread.message_count ?? 0;
  return el(
    "button",
    {
      type: "button",
      class: "thread-line",
      data: { key: "thread" },
      on: { click: () => context.openChannel(thread.id) },
    },
    icon("thread", 18),
    el("strong", {}, thread.name),
    el("span", { class: "thread-count" }, count === 1 ? "1 message" : `${count} messages`),
    icon("right", 16),
  );
}

function body(message, context) {
  if (has(message, "loading")) {
    return el(
      "p",
      { class: "thinking" },
      el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
      `${authorOf(message, context).display} is thinking…`,
    );
  }
  // As on Discord: a message of components shows only the files that they name.
  const isV2 = has(message, "componentsV2");
  const files = isV2 ? [] : (message.attachments ?? []);
  const text = isV2 ? "" : (message.content ?? "");
  const edited = message.edited_timestamp
    ? timeElement(new Date(message.edited_timestamp), "(edited)", "edited")
    : undefined;
  return [
    text
      ? el("div", { class: `markdown${isJumbo(text) ? " jumbo" : ""}` }, blocks(text, context), edited)
      : undefined,
    files.length > 0
      ? el(
          "div",
          { class: "attachments" },
          files.map((one) => file(one)),
        )
      : undefined,
    has(message, "suppressEmbeds")
      ? undefined
      : (message.embeds ?? []).map((one) => embed(one, message, context)),
    (message.components ?? []).map((one) => component(one, message, context)),
    !text && edited ? el("p", { class: "edited-line" }, edited) : undefined,
  ];
}

function ephemeralNote(message, context) {
  if (!has(message, "ephemeral")) return undefined;
  return el(
    "p",
    { class: "ephemeral" },
    icon("eye", 15),
    "Only you can see this · ",
    el(
      "button",
      {
        type: "button",
        class: "link-button",
        data: { key: "dismiss" },
        on: { click: () => context.onDismiss(message) },
      },
      "Dismiss message",
    ),
  );
}

function toolbar(message, context) {
  if (has(message, "loading")) return undefined;
  const ephemeral = has(message, "ephemeral");
  return el(
    "div",
    { class: "message-tools", role: "group", "aria-label": "Message actions" },
    ephemeral || !context.canReact
      ? undefined
      : iconButton(
          "smile",
          "Add a reaction",
          (event) => context.onPickReaction(message, event.currentTarget),
          { data: { key: "tool:react" } },
        ),
    ephemeral || !context.canSend
      ? undefined
      : iconButton("reply", "Reply", () => context.onReply(message), { data: { key: "tool:reply" } }),
    iconButton("more", "More", (event) => context.onMenu(message, event.currentTarget), {
      "aria-haspopup": "menu",
      data: { key: "tool:more" },
    }),
  );
}

function editor(message, context) {
  const area = el("textarea", {
    class: "edit-area",
    "aria-label": "Edit message",
    rows: "2",
    maxlength: String(context.messageLength),
    data: { key: "edit" },
  });
  area.value = context.edited ?? "";
  area.addEventListener("input", () => context.onEditing(area.value));
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      context.onEdited(message, undefined);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      context.onEdited(message, area.value.trim());
    }
  });
  queueMicrotask(() => {
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  });
  const link = (word, text) =>
    el(
      "button",
      { type: "button", class: "link-button", on: { click: () => context.onEdited(message, text()) } },
      word,
    );
  const cancel = link("Cancel", () => undefined);
  const save = link("Save", () => area.value.trim());
  return [area, el("p", { class: "edit-hint" }, cancel, " (Escape) · ", save, " (Enter)")];
}

/** A line that is not a message of its own: a thread that began. */
function systemLine(message, context) {
  const author = authorOf(message, context);
  const text =
    message.type === 18 ? ["started a thread: ", el("strong", {}, message.content)] : [message.content];
  return el(
    "li",
    { class: "message message-system", data: { id: message.id }, tabindex: "-1" },
    el("span", { class: "gutter" }, icon("thread", 18)),
    el(
      "div",
      { class: "message-main" },
      authorName(author),
      " ",
      text,
      " ",
      timeElement(new Date(message.timestamp), stamp(new Date(message.timestamp)), "stamp-small"),
      threadLine(message, context),
    ),
  );
}

/** One message as a list item. `compact` = follows another of the same author, so without the head. */
export function messageItem(message, { compact, editing, clickError }, context) {
  if (SYSTEM.has(message.type)) return systemLine(message, context);
  const author = authorOf(message, context);
  const when = new Date(message.timestamp);
  const classes = ["message"];
  if (compact) classes.push("message-compact");
  if ((message.pinged ?? []).includes(context.you)) classes.push("message-pinged");
  if (has(message, "ephemeral")) classes.push("message-ephemeral");
  return el(
    "li",
    {
      class: classes.join(" "),
      tabindex: "-1",
      data: { id: message.id },
      "aria-label": `${author.display}, ${stamp(when)}: ${summaryOf(message, context).slice(0, 240)}`,
    },
    replyLine(message, context),
    el(
      "div",
      { class: "message-row" },
      el(
        "span",
        { class: "gutter" },
        compact
          ? timeElement(when, clock(when), "stamp-hover")
          : avatar({ ...message.author, display: author.display }),
      ),
      el(
        "div",
        { class: "message-main" },
        compact
          ? undefined
          : el(
              "p",
              { class: "message-head" },
              authorName(author),
              botTag(author),
              timeElement(when, stamp(when), "stamp-small"),
            ),
        editing ? editor(message, context) : body(message, context),
        threadLine(message, context),
        reactions(message, context),
        ephemeralNote(message, context),
        clickError
          ? el("p", { class: "click-error", role: "alert" }, icon("warning", 15), clickError)
          : undefined,
      ),
      editing ? undefined : toolbar(message, context),
    ),
  );
}

/** The line for a command that was sent and not answered yet, or failed. */
export function pendingItem({ key, name, error, you }, onDismiss) {
  return el(
    "li",
    {
      class: `message message-ephemeral${error ? " message-failed" : ""}`,
      data: { id: key },
      tabindex: "-1",
    },
    el(
      "div",
      { class: "reply-line" },
      avatar(you, 16),
      el("strong", {}, you.display ?? you.name),
      " used ",
      el("span", { class: "command-name" }, name),
    ),
    el(
      "div",
      { class: "message-row" },
      el(
        "span",
        { class: "gutter" },
        el("span", { class: "avatar avatar-bot", style: { "--size": "40px" } }, atom(26)),
      ),
      el(
        "div",
        { class: "message-main" },
        error
          ? el("p", { class: "click-error", role: "alert" }, icon("warning", 15), error)
          : el(
              "p",
              { class: "thinking" },
              el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
              "Sending command…",
            ),
        error
          ? el(
              "p",
              { class: "ephemeral" },
              icon("eye", 15),
              "Only you can see this · ",
              el(
                "button",
                { type: "button", class: "link-button", on: { click: onDismiss } },
                "Dismiss message",
              ),
            )
          : undefined,
      ),
    ),
  );
}
