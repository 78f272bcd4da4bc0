import { icon } from "./icons.js";
import { draw, h } from "./node.js";
import { problem } from "./parts.js";

/**
 * Asks something in a dialog. `fields`: `{name, label, hint?, kind?: "area", required?}`; `act` gets what was typed and
 * does it; the dialog stays with the problem when that is refused. Resolves to true when it was done. What was typed and
 * not sent stands there again when the same is asked once more in this tab, also after a reload: `about` = the same of what.
 */
export function ask({ title, about = location.hash, text, fields = [], submit, tone = "", act }) {
  return new Promise((resolve) => {
    const dialog = open();
    const draft = `draft ${about} ${title}`;
    let error;
    let isBusy = false;
    let isDone = false;

    async function send(event) {
      event.preventDefault();
      if (isBusy) return;
      const typed = Object.fromEntries(new FormData(event.target));
      isBusy = true;
      error = undefined;
      redraw();
      try {
        await act(typed);
        isDone = true;
        dialog.close();
      } catch (refused) {
        error = refused;
        isBusy = false;
        redraw();
      }
    }

    function redraw() {
      draw(
        dialog,
        h(
          "form",
          { class: "dialog-form", method: "dialog", on: { submit: send } },
          head(title, dialog),
          text ? h("p", { class: "dialog-text" }, text) : undefined,
          fields.map(field),
          error ? problem(error) : undefined,
          h(
            "div",
            { class: "actions dialog-actions" },
            h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Not now"),
            h("button", { type: "submit", class: `button primary ${tone}`, disabled: isBusy }, submit),
          ),
        ),
      );
    }

    dialog.addEventListener("input", () => {
      const typed = new FormData(dialog.querySelector("form"));
      sessionStorage.setItem(draft, JSON.stringify(Object.fromEntries(typed)));
    });
    dialog.addEventListener("close", () => {
      if (isDone) sessionStorage.removeItem(draft);
      dialog.remove();
      resolve(isDone);
    });
    redraw();
    const typed = JSON.parse(sessionStorage.getItem(draft) ?? "{}");
    for (const { name } of fields)
      if (typed[name]) dialog.querySelector(`[name="${name}"]`).value = typed[name];
    dialog.showModal();
    dialog.querySelector("textarea, input")?.focus();
  });
}

/** Shows something in a dialog until it is closed. */
export function show(title, ...content) {
  const dialog = open();
  dialog.addEventListener("close", () => dialog.remove());
  draw(dialog, h("div", { class: "dialog-form" }, head(title, dialog), ...content));
  dialog.showModal();
}

function open() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.getElementById("dialogs").append(dialog);
  return dialog;
}

function head(title, dialog) {
  return h(
    "div",
    { class: "dialog-head" },
    h("h2", { id: "dialog-title" }, title),
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Close", on: { click: () => dialog.close() } },
      icon("close"),
    ),
  );
}

function field({ name, label, hint, kind, required }) {
  const props = { name, class: "field-input", required, autocomplete: "off", maxlength: 1000 };
  return h(
    "label",
    { class: "field", key: name },
    h("span", { class: "field-label" }, label),
    kind === "area" ? h("textarea", { ...props, rows: 3 }) : h("input", props),
    hint ? h("span", { class: "field-hint" }, hint) : undefined,
  );
}
