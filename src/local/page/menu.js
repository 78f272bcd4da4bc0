import { el, icon } from "./dom.js";
import { float, roveWith } from "./popup.js";

/**
 * A menu beside its anchor. Items: `{label, icon?, run, danger?, disabled?, checked?}`, `{heading}`, `"line"`.
 * `checked` (true or false) makes it a choice of one.
 */
export function openMenu({ anchor, label, items, align, prefer }) {
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label, tabindex: "-1" });
  let close = () => {};
  for (const item of items.filter(Boolean)) {
    if (item === "line") menu.append(el("hr", { class: "menu-line" }));
    else if (item.heading)
      menu.append(el("p", { class: "menu-heading", role: "presentation" }, item.heading));
    else {
      menu.append(
        el(
          "button",
          {
            type: "button",
            class: `menu-item${item.danger ? " menu-danger" : ""}`,
            role: item.checked === undefined ? "menuitem" : "menuitemradio",
            "aria-checked": item.checked === undefined ? undefined : String(item.checked),
            disabled: item.disabled,
            tabindex: "-1",
            on: {
              click: () => {
                close(true);
                item.run();
              },
            },
          },
          item.before,
          el("span", { class: "menu-label" }, item.label),
          item.checked ? icon("check", 18) : item.icon ? icon(item.icon, 18) : undefined,
        ),
      );
    }
  }
  const buttons = () => [...menu.querySelectorAll("button:not(:disabled)")];
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Tab") {
      event.preventDefault();
      close(true);
    } else roveWith(event, buttons());
  });
  close = float(menu, { anchor, align, prefer });
  (
    buttons().find((button) => button.getAttribute("aria-checked") === "true") ??
    buttons()[0] ??
    menu
  ).focus();
  return close;
}
