import { openChoices } from "./choices.js";
import { optionsOf } from "./components.js";
import { showDialog } from "./dialog.js";
import { el, freshId, icon, iconButton } from "./dom.js";
import { blocks } from "./markdown.js";

function textInput(given, label, hint) {
  const id = freshId("modal");
  const long = given.style === 2;
  const input = el(long ? "textarea" : "input", {
    id,
    class: "modal-input",
    ...(long ? { rows: "5" } : { type: "text" }),
    placeholder: given.placeholder,
    maxlength: String(given.max_length ?? 4000),
    minlength: given.min_length,
    "aria-required": given.required === false ? undefined : "true",
    autocomplete: "off",
  });
  input.value = given.value ?? "";
  return field(given, label ?? given.label ?? given.custom_id, hint, input, () => input.value);
}

function field(given, label, hint, control, value, list) {
  const problemId = freshId("problem");
  const hintId = freshId("hint");
  const problem = el("p", { class: "field-problem", id: problemId, role: "alert" });
  const required = given.required !== false;
  control.setAttribute("aria-describedby", `${hintId} ${problemId}`);
  if (!control.id) control.id = freshId("modal");
  return {
    customId: given.custom_id,
    required,
    control,
    value,
    say(text) {
      problem.textContent = text ?? "";
      control.setAttribute("aria-invalid", String(Boolean(text)));
    },
    isEmpty: () => (list ? value().length === 0 : value() === ""),
    node: el(
      "div",
      { class: "modal-field" },
      el(
        "label",
        { for: control.id },
        label,
        required ? el("span", { class: "required", "aria-hidden": "true" }, "*") : undefined,
      ),
      el("p", { class: "modal-hint", id: hintId }, hint ?? ""),
      control,
      problem,
    ),
  };
}

function selectInput(given, label, hint, context) {
  const options = optionsOf(given, context);
  let chosen = options.filter(({ isDefault }) => isDefault).map((one) => one.value);
  const shown = el("span", { class: "select-text" });
  const button = el(
    "button",
    {
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
    },
    shown,
    icon("down", 18),
  );
  const show = () => {
    const names = options.filter(({ value }) => chosen.includes(value)).map((one) => one.label);
    shown.textContent = names.join(", ") || given.placeholder || "Make a selection";
    shown.classList.toggle("select-placeholder", names.length === 0);
  };
  button.addEventListener("click", () =>
    openChoices({
      anchor: button,
      label,
      options,
      chosen,
      min: given.required === false ? 0 : (given.min_values ?? 1),
      max: given.max_values ?? 1,
      onDone: (values) => {
        chosen = values;
        show();
      },
    }),
  );
  show();
  return field(given, label, hint, button, () => chosen, true);
}

function fieldOf(given, label, hint, context) {
  if (given.type === 4) return textInput(given, label, hint);
  if (given.type >= 3 && given.type <= 8)
    return selectInput(given, label ?? given.placeholder ?? given.custom_id, hint, context);
  return undefined;
}

/** The form that a bot asks with. Stays open with its problems until it is accepted or given up. */
export function openModal(interaction, { context, onSubmit, onClosed }) {
  const { title, components = [] } = interaction.modal;
  const titleId = freshId("title");
  const fields = [];
  const body = el("div", { class: "modal-body" });
  const problem = el("p", { class: "modal-problem", role: "alert" });
  for (const one of components) {
    if (one.type === 10) {
      body.append(el("div", { class: "markdown" }, blocks(one.content ?? "", context)));
      continue;
    }
    const inner = one.type === 18 ? [one.component] : (one.components ?? []);
    for (const given of inner) {
      const made = fieldOf(given, one.type === 18 ? one.label : undefined, one.description, context);
      if (!made) continue;
      fields.push(made);
      body.append(made.node);
    }
  }
  const submit = el("button", { type: "submit", class: "button button-primary" }, "Submit");
  const form = el(
    "form",
    { class: "modal-form", novalidate: true },
    el(
      "header",
      { class: "modal-head" },
      el("h2", { id: titleId }, title ?? "Form"),
      iconButton("close", "Close", () => dialog.close()),
    ),
    el("p", { class: "modal-from" }, `This form is from ${context.botName()}.`),
    body,
    problem,
    el(
      "footer",
      { class: "modal-foot" },
      el(
        "button",
        { type: "button", class: "button button-secondary", on: { click: () => dialog.close() } },
        "Cancel",
      ),
      submit,
    ),
  );
  const dialog = el("dialog", { class: "modal", "aria-labelledby": titleId }, form);
  const send = async () => {
    problem.textContent = "";
    let first;
    for (const one of fields) {
      const wrong = one.required && one.isEmpty();
      one.say(wrong ? "This is required." : undefined);
      if (wrong) first ??= one;
    }
    if (first) return first.control.focus();
    submit.disabled = true;
    dialog.setAttribute("aria-busy", "true");
    try {
      await onSubmit(Object.fromEntries(fields.map((one) => [one.customId, one.value()])));
      dialog.close();
    } catch (error) {
      const placed = (error.problems ?? []).filter(({ path, message }) => {
        const one = fields.find(({ customId }) => path === `fields.${customId}` || path === customId);
        one?.say(message);
        return one;
      });
      if (placed.length === 0) problem.textContent = [error.message, error.hint].filter(Boolean).join(" ");
    } finally {
      submit.disabled = false;
      dialog.removeAttribute("aria-busy");
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send().catch((error) => {
      problem.textContent = error.message;
    });
  });
  showDialog(dialog, onClosed);
  (fields[0]?.control ?? submit).focus();
  return dialog;
}

/** Asks before something that cannot be undone; resolves with true or false. */
export function confirmDialog({ title, text, yes }) {
  return new Promise((resolve) => {
    const titleId = freshId("title");
    let answer = false;
    const dialog = el(
      "dialog",
      { class: "modal modal-small", "aria-labelledby": titleId },
      el("h2", { id: titleId }, title),
      el("p", {}, text),
      el(
        "footer",
        { class: "modal-foot" },
        el(
          "button",
          { type: "button", class: "button button-secondary", on: { click: () => dialog.close() } },
          "Cancel",
        ),
        el(
          "button",
          {
            type: "button",
            class: "button button-danger",
            autofocus: true,
            on: {
              click: () => {
                answer = true;
                dialog.close();
              },
            },
          },
          yes,
        ),
      ),
    );
    showDialog(dialog, () => resolve(answer));
  });
}
