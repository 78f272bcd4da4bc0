import { el, freshId } from "./dom.js";

const EDGE_PX = 8;
const LEAST_PX = 60;

/**
 * The list above the message box: commands, option choices, names. The focus stays in the field, which gets
 * `aria-activedescendant`; the field's owner passes the keys on with `onKey`.
 */
export function createSuggestions() {
  const list = el("div", { class: "suggest-list", role: "listbox", id: freshId("suggest") });
  const title = el("p", { class: "suggest-title" });
  const node = el("div", { class: "suggest", hidden: true }, title, list);
  let items = [];
  let active = -1;
  let field;
  let pick = () => {};

  function mark(index, scroll = true) {
    active = index;
    for (const [at, option] of [...list.querySelectorAll("[role=option]")].entries()) {
      option.setAttribute("aria-selected", String(at === active));
      if (at === active) {
        field?.setAttribute("aria-activedescendant", option.id);
        if (scroll) option.scrollIntoView({ block: "nearest" });
      }
    }
    if (active < 0) field?.removeAttribute("aria-activedescendant");
  }

  /** It ends below the upper edge of the window. */
  function fit() {
    const rest = node.offsetHeight - list.offsetHeight;
    const room = Math.floor(node.getBoundingClientRect().bottom) - rest - EDGE_PX;
    list.style.maxHeight = `min(360px, 45vh, ${Math.max(LEAST_PX, room)}px)`;
  }

  function hide() {
    node.hidden = true;
    items = [];
    active = -1;
    field?.setAttribute("aria-expanded", "false");
    field?.removeAttribute("aria-activedescendant");
    field = undefined;
  }

  return {
    node,
    get isOpen() {
      return !node.hidden;
    },
    get active() {
      return items[active];
    },
    hide,
    /** `note` is said when there are no items, or instead of them. */
    show({ for: owner, label, items: given, note, onPick, selectFirst = true }) {
      if (field && field !== owner) field.setAttribute("aria-expanded", "false");
      field = owner;
      items = given;
      pick = onPick;
      title.textContent = label;
      list.setAttribute("aria-label", label);
      list.replaceChildren(
        ...given.map((item, index) =>
          el(
            "div",
            {
              class: "suggest-item",
              role: "option",
              id: freshId("option"),
              "aria-selected": "false",
              on: {
                pointerdown: (event) => event.preventDefault(),
                click: () => pick(item),
                pointermove: () => index !== active && mark(index, false),
              },
            },
            item.before,
            el(
              "span",
              { class: "suggest-texts" },
              el(
                "span",
                { class: "suggest-label" },
                item.label,
                item.more ? el("span", { class: "suggest-more" }, ` ${item.more}`) : undefined,
              ),
              item.detail ? el("small", {}, item.detail) : undefined,
            ),
            item.aside ? el("span", { class: "suggest-aside" }, item.aside) : undefined,
          ),
        ),
      );
      if (given.length === 0)
        list.append(el("p", { class: "suggest-note", role: "status" }, note ?? "Nothing found"));
      node.hidden = false;
      fit();
      owner.setAttribute("aria-controls", list.id);
      owner.setAttribute("aria-expanded", "true");
      mark(selectFirst && given.length > 0 ? 0 : -1);
      list.scrollTop = 0;
    },
    /** True when the key was for the list. Enter and Tab choose; Escape closes. */
    onKey(event) {
      if (node.hidden || event.isComposing) return false;
      if (event.key === "Escape") hide();
      else if (items.length > 0 && event.key === "ArrowDown") mark((active + 1) % items.length);
      else if (items.length > 0 && event.key === "ArrowUp") mark((active - 1 + items.length) % items.length);
      else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && items[active])
        pick(items[active]);
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
