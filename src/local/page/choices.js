import { el, freshId, icon } from "./dom.js";
import { float, roveWith } from "./popup.js";

/** The list of a select: one option closes it, several are ticked and sent when it closes. */
export function openChoices({ anchor, label, options, chosen, min, max, onDone }) {
  const several = max > 1;
  const picked = new Set(several ? chosen : []);
  const box = el("div", { class: "choices" });
  const list = el("div", {
    class: "choices-list",
    role: "listbox",
    id: freshId("choices"),
    "aria-label": label,
    "aria-multiselectable": several ? "true" : undefined,
  });
  let close = () => {};
  let sent = false;

  const send = (values) => {
    if (sent || values.length < min) return;
    sent = true;
    onDone(values);
  };
  const hint = several ? el("p", { class: "choices-hint" }) : undefined;
  const update = () => {
    for (const node of list.children) {
      const isPicked = several ? picked.has(node.dataset.value) : chosen.includes(node.dataset.value);
      node.setAttribute("aria-selected", String(isPicked));
    }
    if (hint) hint.textContent = `${picked.size} chosen, ${min === max ? min : `${min} to ${max}`} possible`;
  };
  const pick = (value) => {
    if (!several) {
      close(true);
      // Choosing once more what was chosen takes it back, where nothing may be chosen.
      send(min === 0 && chosen.includes(value) ? [] : [value]);
      return;
    }
    if (picked.has(value)) picked.delete(value);
    else if (picked.size < max) picked.add(value);
    update();
  };
  for (const option of options) {
    list.append(
      el(
        "div",
        {
          class: "choice",
          role: "option",
          tabindex: "-1",
          data: { value: option.value },
          on: { click: () => pick(option.value) },
        },
        option.emoji ? el("span", { "aria-hidden": "true" }, option.emoji) : undefined,
        el(
          "span",
          { class: "choice-texts" },
          el("span", {}, option.label),
          option.detail ? el("small", {}, option.detail) : undefined,
        ),
        el("span", { class: "choice-tick" }, icon("check", 18)),
      ),
    );
  }
  if (options.length === 0) list.append(el("p", { class: "choices-hint" }, "Nothing to choose from."));
  box.append(list);
  if (several) {
    box.append(
      el(
        "div",
        { class: "choices-foot" },
        hint,
        el(
          "button",
          { type: "button", class: "button button-primary", on: { click: () => close(true) } },
          "Done",
        ),
      ),
    );
  }
  update();
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") sent = true;
    const items = [...list.querySelectorAll("[role=option]")];
    if (
      (event.key === "Enter" || event.key === " ") &&
      document.activeElement?.getAttribute("role") === "option"
    ) {
      event.preventDefault();
      pick(document.activeElement.dataset.value);
    } else if (event.key === "Tab" && !several) {
      event.preventDefault();
      close(true);
    } else roveWith(event, items);
  });
  anchor.setAttribute("aria-expanded", "true");
  close = float(box, {
    anchor,
    matchWidth: true,
    onClose: () => {
      anchor.setAttribute("aria-expanded", "false");
      if (several && picked.size > 0 && [...picked].join() !== chosen.join()) send([...picked]);
    },
  });
  (list.querySelector("[aria-selected=true]") ?? list.querySelector("[role=option]"))?.focus();
}
