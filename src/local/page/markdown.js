import { el } from "./dom.js";
import { discordTime, plainTime } from "./time.js";

const DEEPEST = 12;
const ESCAPABLE = /^\\([\\`*_{}[\]()#+\-.!|~<>@:/])/;

/** `ends` = the closing mark; the inside is parsed again unless `raw`. Order matters: longer marks first. */
const SPANS = [
  { start: "**", end: "**", tag: "strong" },
  { start: "__", end: "__", tag: "u" },
  { start: "~~", end: "~~", tag: "s" },
  { start: "||", end: "||", spoiler: true },
  { start: "*", end: "*", tag: "em", tight: true },
  { start: "_", end: "_", tag: "em", word: true },
];

function closing(text, from, mark) {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end > 0) at = end;
    } else if (text.startsWith(mark, at) && at > from) {
      const isLonger = mark.length === 1 && text[at + 1] === mark;
      if (isLonger) at += 1;
      else return at;
    }
  }
  return -1;
}

function spoiler(children) {
  const node = el("button", {
    type: "button",
    class: "spoiler",
    "aria-expanded": "false",
    "aria-label": "Spoiler, show it",
  });
  node.append(el("span", { class: "spoiler-inside" }, children));
  node.addEventListener("click", (event) => {
    if (node.getAttribute("aria-expanded") === "true") return;
    event.preventDefault();
    node.setAttribute("aria-expanded", "true");
    node.removeAttribute("aria-label");
  });
  return node;
}

/** Only http(s) addresses become links; anything else stays text. */
export function safeLink(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

export function link(address, content, title) {
  const href = safeLink(address);
  if (!href) return el("span", {}, content);
  return el(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer nofollow", title: title ?? href },
    content,
  );
}

/** What a mention is called: `#`, `@&` a role, `@` a person. */
function nameOf(kind, id, context) {
  if (kind === "#") return `#${context.channel?.(id)?.name ?? "unknown"}`;
  if (kind === "@&") return `@${context.role?.(id)?.name ?? "unknown role"}`;
  const member = context.member?.(id);
  return `@${member?.display ?? member?.name ?? "unknown"}`;
}

function mention(kind, id, context) {
  const name = nameOf(kind, id, context);
  if (kind === "#" && context.channel?.(id))
    return el(
      "button",
      { type: "button", class: "mention mention-channel", on: { click: () => context.openChannel?.(id) } },
      name,
    );
  const color = kind === "@&" ? context.role?.(id)?.color : undefined;
  const style = color ? { "--mention": `#${color.toString(16).padStart(6, "0")}` } : {};
  return el("span", { class: "mention", style }, name);
}

/** A link to a message or channel of this guild opens it here instead of on Discord's own site. */
function placeLink([address, , channelId, messageId], context) {
  const channel = context.channel?.(channelId);
  if (!channel) return link(address, address);
  const open = () =>
    messageId ? context.openMessage?.(channelId, messageId) : context.openChannel?.(channelId);
  return el(
    "button",
    { type: "button", class: "mention mention-channel", title: address, on: { click: open } },
    placeName(channelId, messageId, context),
  );
}

const placeName = (channelId, messageId, context) =>
  `${nameOf("#", channelId, context)}${messageId ? " › message" : ""}`;

const PLACE = /<?https:\/\/(?:\w+\.)?discord\.com\/channels\/(\d+)\/(\d+)(?:\/(\d+))?>?/;
const TOKENS = [
  [new RegExp(`^${PLACE.source}`), placeLink],
  [/^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, (match) => discordTime(Number(match[1]), match[2])],
  [
    /^<(@&|@!?|#)(\d{5,20})>/,
    (match, context) => mention(match[1] === "@!" ? "@" : match[1], match[2], context),
  ],
  [/^<\/([^:>]{1,100}):\d+>/, (match) => el("span", { class: "mention" }, `/${match[1]}`)],
  [/^<a?:(\w{2,32}):\d+>/, (match) => el("span", { class: "emoji-name" }, `:${match[1]}:`)],
  [/^<(https?:\/\/[^\s>]+)>/, (match) => link(match[1], match[1])],
  [/^@(everyone|here)\b/, (match) => el("span", { class: "mention" }, match[0])],
  [/^https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]*_|~]/, (match) => link(match[0], match[0])],
];

function inlineCode(text, at) {
  const ticks = /^`+/.exec(text.slice(at))?.[0] ?? "";
  const end = text.indexOf(ticks, at + ticks.length);
  if (ticks.length > 2 || end < 0) return undefined;
  return { node: el("code", {}, text.slice(at + ticks.length, end)), next: end + ticks.length };
}

function maskedLink(text, at, context, depth) {
  const match =
    /^\[((?:[^[\]\\]|\\.|\[[^\]]*\])+)\]\(<?([^\s<>()]+(?:\([^\s()]*\)[^\s<>()]*)?)>?(?:\s+"([^"]*)")?\)/.exec(
      text.slice(at),
    );
  if (!match || !safeLink(match[2])) return undefined;
  return { node: link(match[2], inline(match[1], context, depth + 1), match[3]), next: at + match[0].length };
}

function span(text, at, context, depth) {
  for (const { start, end, tag, spoiler: hides, tight, word } of SPANS) {
    if (!text.startsWith(start, at)) continue;
    if (tight && /\s/.test(text[at + 1] ?? " ")) continue;
    if (word && /\w/.test(text[at - 1] ?? " ")) continue;
    const close = closing(text, at + start.length, end);
    if (close < 0) continue;
    if (word && /\w/.test(text[close + 1] ?? " ")) continue;
    const children = inline(text.slice(at + start.length, close), context, depth + 1);
    return { node: hides ? spoiler(children) : el(tag, {}, children), next: close + end.length };
  }
  return undefined;
}

/** Nodes for one run of text; line breaks stay as they are (the style keeps them). */
export function inline(text, context = {}, depth = 0) {
  if (depth > DEEPEST) return [document.createTextNode(text)];
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = "";
  };
  const push = ({ node, next }) => {
    flush();
    nodes.push(node);
    return next;
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    const escaped = char === "\\" ? ESCAPABLE.exec(text.slice(at, at + 2)) : undefined;
    if (escaped) {
      plain += escaped[1];
      at += 2;
      continue;
    }
    let found;
    if (char === "`") found = inlineCode(text, at);
    else if (char === "[") found = maskedLink(text, at, context, depth);
    else if (char === "<" || char === "@" || (char === "h" && !/\w/.test(text[at - 1] ?? " "))) {
      const rest = text.slice(at, at + 2100);
      for (const [pattern, make] of TOKENS) {
        const match = pattern.exec(rest);
        if (!match) continue;
        found = { node: make(match, context), next: at + match[0].length };
        break;
      }
    } else if ("*_~|".includes(char)) found = span(text, at, context, depth);
    if (found) at = push(found);
    else {
      plain += char;
      at += 1;
    }
  }
  flush();
  return nodes;
}

function fence(lines, at) {
  const open = /^\s*```([A-Za-z0-9_+#.-]*)\s*$/.exec(lines[at]) ?? /^\s*```()(.*)$/.exec(lines[at]);
  if (!open) return undefined;
  const oneLine = /^\s*```(.+?)```\s*$/.exec(lines[at]);
  if (oneLine) return { node: codeBlock(oneLine[1], ""), next: at + 1 };
  const body = open[2] ? [open[2]] : [];
  let next = at + 1;
  for (; next < lines.length && !/```\s*$/.test(lines[next]); next++) body.push(lines[next]);
  if (next >= lines.length) return undefined;
  const last = lines[next].replace(/```\s*$/, "");
  if (last.trim() !== "") body.push(last);
  return { node: codeBlock(body.join("\n"), open[1]), next: next + 1 };
}

export function codeBlock(text, language) {
  return el(
    "div",
    { class: "code-block" },
    el(
      "pre",
      { tabindex: "0", role: "group", "aria-label": language ? `Code, ${language}` : "Code" },
      el("code", {}, text),
    ),
  );
}

const ITEM = /^(\s*)([-*]|\d{1,3}[.)])\s+(.*)$/;

function list(lines, at, context) {
  const first = ITEM.exec(lines[at]);
  if (!first) return undefined;
  const indent = first[1].length;
  const ordered = /\d/.test(first[2]);
  const node = el(ordered ? "ol" : "ul", ordered ? { start: Number.parseInt(first[2], 10) } : {});
  let next = at;
  let item;
  while (next < lines.length) {
    const match = ITEM.exec(lines[next]);
    if (match && match[1].length > indent && item) {
      const inner = list(lines, next, context);
      if (!inner) break;
      item.append(inner.node);
      next = inner.next;
    } else if (match && match[1].length >= indent && /\d/.test(match[2]) === ordered) {
      item = el("li", {}, inline(match[3], context));
      node.append(item);
      next += 1;
    } else if (!match && item && /^\s{2,}\S/.test(lines[next])) {
      item.append("\n", ...inline(lines[next].trim(), context));
      next += 1;
    } else break;
  }
  return { node, next };
}

function quote(lines, at, context, depth) {
  if (lines[at].startsWith(">>> ")) {
    const rest = [lines[at].slice(4), ...lines.slice(at + 1)].join("\n");
    return { node: el("blockquote", {}, blocks(rest, context, depth + 1)), next: lines.length };
  }
  if (!/^> |^>$/.test(lines[at])) return undefined;
  let next = at;
  const body = [];
  for (; next < lines.length && /^> |^>$/.test(lines[next]); next++) body.push(lines[next].slice(2));
  return { node: el("blockquote", {}, blocks(body.join("\n"), context, depth + 1)), next };
}

function heading(lines, at, context) {
  const subtext = /^-# (.+)$/.exec(lines[at]);
  if (subtext) return { node: el("p", { class: "subtext" }, inline(subtext[1], context)), next: at + 1 };
  const match = /^(#{1,3}) +(.+?)#*\s*$/.exec(lines[at]);
  if (!match) return undefined;
  const level = match[1].length;
  return {
    node: el(
      "div",
      { class: `heading heading-${level}`, role: "heading", "aria-level": String(level + 2) },
      inline(match[2], context),
    ),
    next: at + 1,
  };
}

/** Nodes for a whole text in Discord's markdown. */
export function blocks(text, context = {}, depth = 0) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const nodes = [];
  let paragraph = [];
  const flush = () => {
    while (paragraph.length > 0 && paragraph.at(-1).trim() === "") paragraph.pop();
    while (paragraph.length > 0 && paragraph[0].trim() === "") paragraph.shift();
    if (paragraph.length > 0) nodes.push(el("p", {}, inline(paragraph.join("\n"), context)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const found =
      fence(lines, at) ??
      heading(lines, at, context) ??
      (depth < 3 ? quote(lines, at, context, depth) : undefined) ??
      list(lines, at, context);
    if (found) {
      flush();
      nodes.push(found.node);
      at = found.next;
    } else {
      paragraph.push(lines[at]);
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** A text with at most a few emoji and nothing else is shown larger. */
export function isJumbo(text) {
  return /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,6}$/u.test(
    text,
  );
}

/** One line without marks, for previews and announcements; what is mentioned has its name. */
export function plainText(text, context = {}) {
  return text
    .replace(/```[\s\S]*?```/g, " code ")
    .replace(new RegExp(PLACE, "g"), (address, _guild, channel, message) =>
      context.channel?.(channel) ? placeName(channel, message, context) : address,
    )
    .replace(/<(@&|@|#)!?(\d{5,20})>/g, (_all, kind, id) => nameOf(kind, id, context))
    .replace(/<\/([^:>]{1,100}):\d+>/g, "/$1")
    .replace(/<a?(:\w{2,32}:)\d+>/g, "$1")
    .replace(/<t:(-?\d{1,13})(?::\w)?>/g, (_all, seconds) => plainTime(Number(seconds)))
    .replace(/^(?:#{1,3}|-#|>{1,3}|[-*])\s+/gm, "")
    .replace(/\*\*|__|~~|\|\||`/g, "")
    .replace(/(^|\W)[*_](\S[^*_]*?)[*_](?=\W|$)/g, "$1$2")
    .replace(/\[([^\]]+)\]\([^)]+\)/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}
