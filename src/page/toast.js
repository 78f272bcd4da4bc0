import { icon } from "./icons.js";
import { draw, h } from "./node.js";
import { inline } from "./rich.js";

const STAYS_MS = 6000;

/** Short news at the edge of the page; what went wrong stays until it is closed. */
export function createToasts() {
  let items = [];
  let number = 0;
  const place = document.createElement("div");
  place.className = "toasts";
  document.body.append(place);

  function redraw() {
    draw(
      place,
      ...items.map(({ id, text, hint, isBad }) =>
        h(
          "div",
          { class: `toast ${isBad ? "toast-bad" : ""}`.trim(), key: id, role: isBad ? "alert" : "status" },
          icon(isBad ? "bang" : "check"),
          h(
            "div",
            {},
            h("p", {}, isBad ? inline(text) : text),
            hint ? h("p", { class: "toast-hint" }, inline(hint)) : undefined,
          ),
          h(
            "button",
            { type: "button", class: "icon-button", "aria-label": "Dismiss", on: { click: () => drop(id) } },
            icon("close", 16),
          ),
        ),
      ),
    );
  }
  function drop(id) {
    items = items.filter((item) => item.id !== id);
    redraw();
  }
  function put(item) {
    const id = ++number;
    items = [...items.slice(-3), { id, ...item }];
    redraw();
    if (!item.isBad) setTimeout(() => drop(id), STAYS_MS);
  }
  return {
    tell: (text) => put({ text }),
    refuse(error) {
      if (error?.status === 401) return;
      const problems = (error?.problems ?? []).map(({ message }) => message);
      const text = error?.message ?? String(error);
      put({
        text,
        hint: [...problems.filter((one) => !text.includes(one)), error?.hint].filter(Boolean).join(" "),
        isBad: true,
      });
    },
  };
}
