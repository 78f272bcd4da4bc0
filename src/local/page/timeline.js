import { announce, compareIds, el, icon } from "./dom.js";
import { authorOf, has, messageItem, pendingItem, summaryOf, threadOf } from "./message.js";
import { dayOf } from "./time.js";

const TOGETHER_MS = 7 * 60_000;
const NEAR_PX = 80;
const OLDER_PX = 400;

function isCompact(message, before) {
  if (
    !before ||
    message.interaction_metadata ||
    message.type === 19 ||
    message.type === 18 ||
    before.type === 18
  )
    return false;
  return (
    before.author?.id === message.author?.id &&
    Date.parse(message.timestamp) - Date.parse(before.timestamp) < TOGETHER_MS &&
    has(message, "ephemeral") === has(before, "ephemeral")
  );
}

/** The list of messages of the open channel: rows are kept and replaced one by one, the scroll stays where it was. */
export function createTimeline({ state, context, actions }) {
  const list = el("ol", { class: "messages", "aria-label": "Messages" });
  const intro = el("div", { class: "intro" });
  const scroller = el(
    "div",
    { class: "scroller", role: "log", "aria-live": "off", "aria-label": "Messages", tabindex: "-1" },
    intro,
    list,
  );
  const jump = el(
    "button",
    { type: "button", class: "jump", hidden: true, on: { click: () => toBottom(true) } },
    el("span", {}, "New messages"),
    icon("down", 16),
  );
  const node = el("div", { class: "timeline" }, scroller, jump);
  let rows = new Map();
  let introSign;
  let shown;
  let stuck = true;
  let selected;
  /** While the pointer is down nothing is replaced under it, or its click would be lost. */
  let pressed = false;
  let missed = false;

  const feed = () => (state.current ? state.feed(state.current) : undefined);
  const nearBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;

  function toBottom(smooth = false) {
    stuck = true;
    jump.hidden = true;
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    readAll();
  }

  function readAll() {
    const last = feed()?.messages.at(-1);
    if (last && !document.hidden && stuck) state.markRead(state.current, last.id);
  }

  function wantedRows() {
    const channel = state.current;
    const messages = feed()?.messages ?? [];
    const wanted = [];
    let before;
    let day;
    let marked = false;
    for (const message of messages) {
      const thisDay = dayOf(new Date(message.timestamp));
      if (thisDay !== day)
        wanted.push({
          key: `day:${thisDay}`,
          sign: thisDay,
          make: () => el("li", { class: "divider", role: "separator" }, el("span", {}, thisDay)),
        });
      const newSince = state.newAfter;
      if (
        !marked &&
        newSince &&
        newSince !== "0" &&
        compareIds(message.id, newSince) > 0 &&
        message.author?.id !== state.you.id
      ) {
        marked = true;
        if (before)
          wanted.push({
            key: "new",
            sign: "new",
            make: () => el("li", { class: "divider divider-new", role: "separator" }, el("span", {}, "New")),
          });
      }
      const compact = thisDay === day && isCompact(message, before);
      const editing = state.editing === message.id;
      const clickError = state.clickErrors.get(message.id);
      const thread = threadOf(message, context);
      const busy = [...state.busy].filter((key) => key.startsWith(`${message.id}:`)).join();
      wanted.push({
        key: message.id,
        sign: [
          compact,
          editing,
          clickError,
          busy,
          thread?.name,
          thread?.message_count,
          context.canReact,
          context.canSend,
        ].join("|"),
        message,
        editing,
        make: () => messageItem(message, { compact, editing, clickError }, context),
      });
      before = message;
      day = thisDay;
    }
    for (const pending of actions.pendingIn(channel)) {
      wanted.push({
        key: pending.key,
        sign: pending.error ?? "",
        message: pending,
        make: () => pendingItem({ ...pending, you: state.you }, () => actions.dismissPending(pending.key)),
      });
    }
    return wanted;
  }

  /** The same control of a message that was drawn anew has the focus; the message itself when it is not there. */
  function keepFocus(item, key) {
    [...item.querySelectorAll("[data-key]")]
      .find((one) => one.dataset.key === key)
      ?.focus({ preventScroll: true });
    if (!item.contains(document.activeElement)) item.focus({ preventScroll: true });
  }

  function reconcile() {
    const wanted = wantedRows();
    const next = new Map();
    const active = document.activeElement;
    const keys = new Set(wanted.map(({ key }) => key));
    let besideGone;
    for (const [key, { item }] of rows) {
      if (keys.has(key)) continue;
      if (item.contains(active))
        besideGone = [item.nextElementSibling, item.previousElementSibling].find((one) =>
          one?.matches(".message"),
        );
      item.remove();
    }
    let at = list.firstChild;
    for (const row of wanted) {
      const old = rows.get(row.key);
      let item = old?.item;
      // Nothing is replaced under what somebody types.
      const isTyped = old?.editing && row.editing;
      if (!isTyped && (!old || old.sign !== row.sign || old.message !== row.message)) {
        item = row.make();
        if (row.key === selected) item.tabIndex = 0;
        if (old) {
          const hadFocus = old.item.contains(active);
          if (at === old.item) at = old.item.nextSibling;
          old.item.replaceWith(item);
          if (hadFocus) keepFocus(item, old.item === active ? undefined : active.dataset.key);
          if (item.nextSibling === at) {
            next.set(row.key, { ...row, item });
            continue;
          }
        }
      }
      if (item !== at) list.insertBefore(item, at);
      else at = at.nextSibling;
      next.set(row.key, { ...row, item });
    }
    rows = next;
    besideGone?.focus({ preventScroll: true });
    if (!list.querySelector('.message[tabindex="0"]')) {
      const last = [...list.querySelectorAll(".message")].at(-1);
      if (last) last.tabIndex = 0;
    }
  }

  function renderIntro() {
    const channel = state.channel(state.current);
    const held = feed();
    if (!channel || !held) return;
    const sign = [channel.id, channel.name, channel.topic, held.loaded, held.complete].join("|");
    if (sign === introSign) return;
    introSign = sign;
    if (!held.loaded) {
      intro.replaceChildren(
        ...Array.from({ length: 4 }, () =>
          el("div", { class: "skeleton", "aria-hidden": "true" }, el("span"), el("p"), el("p")),
        ),
      );
      scroller.setAttribute("aria-busy", "true");
      return;
    }
    scroller.removeAttribute("aria-busy");
    if (!held.complete) {
      intro.replaceChildren(el("p", { class: "older" }, "Loading older messages…"));
      return;
    }
    const thread = channel.type === 11 || channel.type === 10;
    intro.replaceChildren(
      el("span", { class: "intro-mark" }, icon(thread ? "thread" : "hash", 40)),
      el("h2", {}, thread ? channel.name : `Welcome to #${channel.name}`),
      el(
        "p",
        {},
        channel.topic ??
          (thread
            ? "This is the start of the thread."
            : `This is the start of the channel #${channel.name}.`),
      ),
    );
  }

  function render({ keep = false } = {}) {
    if (pressed && shown === state.current) {
      missed = true;
      return;
    }
    const channel = state.channel(state.current);
    if (shown !== state.current) {
      rows = new Map();
      list.replaceChildren();
      shown = state.current;
      selected = undefined;
      stuck = true;
    }
    if (!channel) return;
    list.setAttribute("aria-label", `Messages in ${channel.name}`);
    const height = scroller.scrollHeight;
    const top = scroller.scrollTop;
    renderIntro();
    reconcile();
    if (stuck) toBottom();
    else if (keep) scroller.scrollTop = top + (scroller.scrollHeight - height);
  }

  async function older() {
    const held = feed();
    if (!held?.loaded || held.complete || held.loading) return;
    const channel = state.current;
    await actions.loadOlder(channel);
    if (channel === state.current) {
      stuck = false;
      render({ keep: true });
      if (scroller.scrollTop < OLDER_PX) await older();
    }
  }

  scroller.addEventListener(
    "scroll",
    () => {
      stuck = nearBottom();
      if (stuck) {
        jump.hidden = true;
        readAll();
      }
      if (scroller.scrollTop < OLDER_PX && !stuck) void older().catch(actions.fail);
    },
    { passive: true },
  );
  new ResizeObserver(() => stuck && toBottom()).observe(scroller);
  new ResizeObserver(() => stuck && toBottom()).observe(list);
  document.addEventListener("visibilitychange", () => !document.hidden && readAll());

  const release = () =>
    setTimeout(() => {
      pressed = false;
      if (missed) render();
      missed = false;
    });
  list.addEventListener("pointerdown", () => {
    pressed = true;
  });
  for (const type of ["pointerup", "pointercancel", "dragend", "blur"])
    window.addEventListener(type, release);

  function select(item, focus = true) {
    if (!item) return;
    for (const one of list.querySelectorAll('.message[tabindex="0"]')) one.tabIndex = -1;
    item.tabIndex = 0;
    selected = item.dataset.id;
    if (focus) item.focus();
  }

  list.addEventListener("keydown", (event) => {
    const item = event.target.closest?.(".message");
    if (!item || event.target.matches("textarea, input")) return;
    const isItem = event.target === item;
    const items = [...list.querySelectorAll(".message")];
    const at = items.indexOf(item);
    if (isItem && event.key === "ArrowUp") select(items[at - 1]);
    else if (isItem && event.key === "ArrowDown") select(items[at + 1]);
    else if (isItem && event.key === "Home") select(items[0]);
    else if (isItem && event.key === "End") select(items.at(-1));
    else if (
      (isItem && event.key === "Enter") ||
      event.key === "ContextMenu" ||
      (event.shiftKey && event.key === "F10")
    ) {
      const message = feed()?.get(item.dataset.id);
      if (!message) return;
      context.onMenu(message, item.querySelector("[data-key='tool:more']") ?? item);
    } else return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest?.(".message");
    if (item && item.dataset.id !== selected) select(item, false);
  });
  list.addEventListener("contextmenu", (event) => {
    const item = event.target.closest(".message");
    const message = item && feed()?.get(item.dataset.id);
    if (!message || event.target.closest("a, textarea, input") || String(getSelection())) return;
    event.preventDefault();
    select(item, false);
    context.onMenu(message, {
      top: event.clientY,
      bottom: event.clientY,
      left: event.clientX,
      right: event.clientX,
    });
  });

  return {
    node,
    render,
    toBottom,
    older,
    /** A message came while the page looks at this channel. */
    arrived(message) {
      const mine = message.author?.id === state.you.id;
      const wasStuck = stuck;
      if (mine) stuck = true;
      render();
      if (!wasStuck && !mine) jump.hidden = false;
      readAll();
      if (!mine && !has(message, "loading"))
        announce(`${authorOf(message, context).display}: ${summaryOf(message, context)}`);
    },
    /** Shows a message and marks it for a moment; loads older ones until it is there. False when it is not. */
    async jumpTo(id) {
      for (let page = 0; page < 10 && !rows.has(id) && !feed()?.complete; page++) {
        await actions.loadOlder(state.current);
        render({ keep: true });
      }
      const item = rows.get(id)?.item;
      if (!item) return false;
      stuck = false;
      item.scrollIntoView({ block: "center" });
      select(item);
      item.classList.add("message-marked");
      setTimeout(() => item.classList.remove("message-marked"), 1600);
      return true;
    },
    focusLast() {
      select([...list.querySelectorAll(".message")].at(-1));
    },
    lastOwn: () =>
      feed()?.messages.findLast((one) => one.author?.id === state.you.id && !has(one, "ephemeral")),
  };
}
