import { el, icon, iconButton } from "./dom.js";
import { inline } from "./markdown.js";
import { openMenu } from "./menu.js";

const MEMBERS = "local-guild.members";

/** The frame: sidebar, head of the channel, banners, messages, box, members. */
export function createShell({ state, actions, sidebar, members, timeline, composer, context }) {
  const banner = el("div", { class: "banners", role: "status", "aria-live": "polite" });
  const toasts = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  const title = el("h2", { class: "channel-title", id: "channel-title" });
  const topic = el("p", { class: "channel-topic" });
  const threads = iconButton("thread", "Threads", (event) => openThreads(event.currentTarget), {
    "aria-haspopup": "menu",
  });
  const people = iconButton("members", "Members", () => toggleMembers(), { "aria-pressed": "false" });
  const head = el(
    "header",
    { class: "channel-head" },
    iconButton("menu", "Channels", () => drawer(true), {
      class: "drawer-open-button",
      "aria-controls": "sidebar",
    }),
    title,
    topic,
    el("div", { class: "head-tools" }, threads, people),
  );
  const main = el(
    "main",
    { class: "main", "aria-labelledby": "channel-title" },
    head,
    banner,
    timeline.node,
    composer.node,
  );
  const scrim = el("div", { class: "scrim", on: { click: () => drawer(false) } });
  const app = document.getElementById("app");

  function drawer(open) {
    app.classList.toggle("drawer-open", open);
    const isNarrow = matchMedia("(max-width: 760px)").matches;
    main.inert = open && isNarrow;
    if (open) sidebar.node.querySelector("[aria-current=page], .channel")?.focus();
    else if (isNarrow && sidebar.node.contains(document.activeElement))
      head.querySelector(".drawer-open-button").focus();
  }

  /** There they lie over the messages, so they are shown only while somebody wants to see them. */
  const isOverlay = matchMedia("(max-width: 1020px)");
  isOverlay.addEventListener("change", () => showMembers(areMembersWanted()));

  function areMembersWanted() {
    if (isOverlay.matches) return false;
    const saved = localStorage.getItem(MEMBERS);
    return saved ? saved === "open" : matchMedia("(min-width: 1180px)").matches;
  }
  function toggleMembers() {
    const open = !app.classList.contains("members-open");
    if (!isOverlay.matches) localStorage.setItem(MEMBERS, open ? "open" : "closed");
    showMembers(open);
  }
  function showMembers(open) {
    app.classList.toggle("members-open", open);
    people.setAttribute("aria-pressed", String(open));
  }

  main.addEventListener("keydown", (event) => {
    const lie = isOverlay.matches && app.classList.contains("members-open");
    if (event.key === "Escape" && lie && !event.defaultPrevented) showMembers(false);
  });

  function openThreads(anchor) {
    const channel = state.channel(state.current);
    const parent = channel?.type === 11 ? channel.parent_id : channel?.id;
    const list = state.threads.filter((one) => one.parent_id === parent);
    openMenu({
      anchor,
      label: "Threads",
      align: "end",
      items: [
        { heading: "Threads" },
        ...list.map((one) => ({
          label: one.archived ? `${one.name} (archived)` : one.name,
          icon: "thread",
          run: () => actions.openChannel(one.id),
        })),
        list.length === 0 && { label: "No threads here yet", disabled: true, run: () => {} },
      ],
    });
  }

  sidebar.node.addEventListener("keydown", (event) => event.key === "Escape" && drawer(false));

  return {
    drawer,
    mount() {
      app.replaceChildren(sidebar.node, main, members.node, scrim, toasts);
      app.removeAttribute("aria-busy");
      showMembers(areMembersWanted());
    },
    renderHead() {
      const channel = state.channel(state.current);
      if (!channel) return;
      const thread = channel.type === 11 || channel.type === 10;
      const parent = thread ? state.channel(channel.parent_id) : undefined;
      title.replaceChildren(
        icon(thread ? "thread" : "hash", 22),
        parent
          ? el(
              "button",
              { type: "button", class: "parent-link", on: { click: () => actions.openChannel(parent.id) } },
              parent.name,
            )
          : "",
        parent ? icon("right", 14) : "",
        el("span", {}, channel.name),
      );
      topic.replaceChildren(...inline(channel.topic ?? "", context));
      topic.title = channel.topic ?? "";
      const unread = state.channels().filter((one) => one.id !== state.current && state.isUnread(one)).length;
      document.title = `${unread > 0 ? `(${unread}) ` : ""}#${channel.name} · ${state.guild.name}`;
    },
    renderBanners() {
      const notes = [];
      if (state.connection === "lost") {
        notes.push(
          el(
            "p",
            { class: "banner banner-lost" },
            el("span", { class: "spinner", "aria-hidden": "true" }),
            "The connection to the local guild is lost. Trying again…",
          ),
        );
      } else if (state.bot && !state.bot.online) {
        notes.push(
          el(
            "p",
            { class: "banner banner-offline" },
            icon("warning", 18),
            `${state.bot.name} is offline. Messages are kept and read when it is back; commands do not work until then.`,
          ),
        );
      }
      banner.replaceChildren(...notes);
    },
    toast(text, isProblem = false) {
      const node = el("p", { class: `toast${isProblem ? " toast-problem" : ""}` }, text);
      toasts.append(node);
      setTimeout(() => node.remove(), isProblem ? 8000 : 3000);
    },
    /** Instead of everything: why the page cannot be shown. */
    refuse(heading, text) {
      app.removeAttribute("aria-busy");
      app.replaceChildren(
        el("main", { class: "refused" }, icon("lock", 40), el("h1", {}, heading), el("p", {}, text)),
      );
    },
  };
}
