import { atom, avatar, el, icon, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";

const COLLAPSED = "local-guild.collapsed";

function readCollapsed() {
  try {
    return new Set(JSON.parse(localStorage.getItem(COLLAPSED) ?? "[]"));
  } catch {
    return new Set();
  }
}

const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Servers, channels and who looks. */
export function createSidebar({ state, actions }) {
  const collapsed = readCollapsed();
  const servers = el("nav", { class: "servers", "aria-label": "Servers" });
  const head = el("header", { class: "guild-head" });
  const list = el("nav", { class: "channels", "aria-label": "Channels" });
  const user = el("section", { class: "user-panel", "aria-label": "You" });
  const node = el(
    "aside",
    { class: "sidebar", id: "sidebar", "aria-label": "Server and channels" },
    servers,
    el("div", { class: "sidebar-main" }, head, list, user),
  );

  function channelLink(channel) {
    const isCurrent = channel.id === state.current;
    const unread = !isCurrent && state.isUnread(channel);
    const pings = state.pings.get(channel.id) ?? 0;
    const thread = channel.type === 11 || channel.type === 10;
    const label = [channel.name, unread ? "unread" : "", pings ? counted(pings, "mention") : ""]
      .filter(Boolean)
      .join(", ");
    return el(
      "li",
      {},
      el(
        "button",
        {
          type: "button",
          class: `channel${unread ? " channel-unread" : ""}${thread ? " channel-thread" : ""}`,
          "aria-current": isCurrent ? "page" : undefined,
          "aria-label": label,
          data: { channel: channel.id },
          on: { click: () => actions.openChannel(channel.id, { focus: true }) },
        },
        icon(thread ? "thread" : "hash", 18),
        el("span", { class: "channel-name" }, channel.name),
        pings > 0 ? el("span", { class: "badge" }, String(pings)) : undefined,
      ),
    );
  }

  function threadsOf(channel) {
    return state.threads.filter(
      (one) => one.parent_id === channel.id && (!one.archived || one.id === state.current),
    );
  }

  function categorySection(category) {
    const isClosed = collapsed.has(category.id);
    const shown = category.channels.filter(
      (one) => !isClosed || one.id === state.current || state.isUnread(one),
    );
    const toggle = el(
      "button",
      { type: "button", class: "category-toggle", "aria-expanded": String(!isClosed) },
      icon(isClosed ? "right" : "down", 12),
      el("span", {}, category.name),
    );
    toggle.addEventListener("click", () => {
      if (isClosed) collapsed.delete(category.id);
      else collapsed.add(category.id);
      localStorage.setItem(COLLAPSED, JSON.stringify([...collapsed]));
      render();
      list.querySelectorAll(".category-toggle")[[...state.categories].indexOf(category)]?.focus();
    });
    return el(
      "section",
      { class: "category" },
      el("h3", {}, toggle),
      el(
        "ul",
        {},
        shown.flatMap((channel) => [channelLink(channel), ...threadsOf(channel).map(channelLink)]),
      ),
    );
  }

  function renderUser() {
    const { you } = state;
    const display = you.display ?? you.name;
    const open = (event) =>
      openMenu({
        anchor: event.currentTarget,
        label: "Look as",
        prefer: "above",
        items: [
          { heading: "Look and act as" },
          ...state.members
            .filter(({ bot }) => !bot)
            .map((one) => ({
              label: one.display ?? one.name,
              checked: one.id === you.id,
              before: avatar({ ...one, username: one.name }, 24),
              run: () => one.id !== you.id && actions.switchPerson(one.name),
            })),
        ],
      });
    const names = (you.roles ?? [])
      .map((id) => state.role(id)?.name)
      .filter((name) => name && name !== "@everyone");
    user.replaceChildren(
      el(
        "button",
        {
          type: "button",
          class: "user-button",
          "aria-haspopup": "menu",
          "aria-label": `You are ${display}. Switch person`,
          on: { click: open },
        },
        el(
          "span",
          { class: "presence-wrap" },
          avatar({ ...you, username: you.name }, 34),
          el("span", { class: "presence presence-on" }),
        ),
        el(
          "span",
          { class: "user-names" },
          el("strong", {}, display),
          el("small", {}, names.join(", ") || "No roles"),
        ),
        icon("down", 16),
      ),
    );
  }

  function render() {
    if (!state.ready) return;
    const top = list.scrollTop;
    const focused = document.activeElement?.dataset?.channel;
    servers.replaceChildren(
      el(
        "button",
        {
          type: "button",
          class: "server server-current",
          "aria-current": "true",
          "aria-label": state.guild.name,
          title: state.guild.name,
          on: { click: () => actions.closeDrawer() },
        },
        atom(30),
      ),
    );
    head.replaceChildren(
      el("h1", {}, state.guild.name),
      el("span", { class: "local-tag", title: "This guild runs on this machine only" }, "local"),
      iconButton("close", "Close the channel list", () => actions.closeDrawer(), { class: "drawer-close" }),
    );
    list.replaceChildren(...state.categories.map(categorySection));
    list.scrollTop = top;
    if (focused)
      list.querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    renderUser();
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...list.querySelectorAll("button")];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    all[(at + step + all.length) % all.length].focus();
  });

  return { node, render };
}

/** Everyone of the guild, by role. */
export function createMembers({ state }) {
  const node = el("aside", { class: "members", "aria-label": "Members" });
  function memberItem(member) {
    const colour = member.color ? `#${member.color.toString(16).padStart(6, "0")}` : undefined;
    return el(
      "li",
      { class: `member${member.online ? "" : " member-off"}` },
      el(
        "span",
        { class: "presence-wrap" },
        avatar({ ...member, username: member.name }, 32),
        el("span", { class: `presence${member.online ? " presence-on" : ""}` }),
      ),
      el(
        "span",
        { class: "member-name", style: colour ? { "--author": colour } : {} },
        member.display ?? member.name,
      ),
      member.bot ? el("span", { class: "tag" }, "BOT") : undefined,
      el("span", { class: "hidden-text" }, member.online ? "online" : "offline"),
    );
  }
  return {
    node,
    render() {
      if (!state.ready) return;
      const hoisted = state.roles.filter(({ hoist }) => hoist);
      const groups = new Map([...hoisted.map((role) => [role.name, []]), ["Online", []], ["Offline", []]]);
      for (const member of state.members) {
        const role = hoisted.find(({ id }) => member.roles.includes(id));
        groups.get(!member.online ? "Offline" : (role?.name ?? "Online"))?.push(member);
      }
      node.replaceChildren(
        ...[...groups]
          .filter(([, people]) => people.length > 0)
          .map(([name, people]) =>
            el(
              "section",
              {},
              el("h3", {}, `${name} — ${people.length}`),
              el("ul", {}, people.map(memberItem)),
            ),
          ),
      );
    },
  };
}
