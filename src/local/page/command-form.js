import { problemOf } from "./command-list.js";
import { el, freshId, icon, iconButton } from "./dom.js";

const TEXT = 3;
const BOOLEAN = 5;
const FILE = 11;
const ENTITIES = new Set([6, 7, 8, 9]);
const HINTS = {
  4: "a whole number",
  5: "true or false",
  6: "a person",
  7: "a channel",
  8: "a role",
  9: "a person or role",
  10: "a number",
  11: "a file",
};
const AUTOCOMPLETE_AFTER_MS = 120;

async function fileValue(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768)
    text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return { filename: file.name, content_type: file.type || "application/octet-stream", base64: btoa(text) };
}

/** The fields of one slash command, in the place of the message box. `given` = what `written` told of them before. */
export function createCommandForm({
  entry,
  given = [],
  state,
  suggestions,
  autocomplete,
  onSend,
  onCancel,
  onError,
}) {
  const fields = new Map();
  const help = el("p", { class: "command-help", id: freshId("help") });
  const row = el("div", { class: "command-fields" });
  const extras = el("div", { class: "command-extras", role: "group", "aria-label": "Options to add" });
  const node = el(
    "form",
    { class: "command-form", "aria-label": `Command /${entry.name}`, novalidate: true },
    el(
      "div",
      { class: "command-top" },
      help,
      iconButton("close", "Cancel the command", () => onCancel()),
    ),
    el(
      "div",
      { class: "command-line" },
      el("span", { class: "command-chip" }, `/${entry.name}`),
      row,
      extras,
    ),
  );
  let asked = 0;
  let sending = false;

  const constraint = (option) =>
    [
      HINTS[option.type],
      option.min_value !== undefined || option.max_value !== undefined
        ? `${option.min_value ?? "…"}–${option.max_value ?? "…"}`
        : undefined,
      option.required ? "required" : "optional",
    ]
      .filter(Boolean)
      .join(", ");

  function describe(option) {
    help.replaceChildren(
      ...(option
        ? [
            el("strong", {}, option.name),
            ` ${option.description ?? ""} `,
            el("span", { class: "command-constraint" }, `(${constraint(option)})`),
          ]
        : [el("strong", {}, `/${entry.name}`), ` ${entry.description ?? ""}`]),
    );
  }

  function entityItems(option, typed) {
    const people = state.members.map((one) => ({
      label: one.display ?? one.name,
      detail: `@${one.name}`,
      value: one.id,
    }));
    const roles = state.roles.map((one) => ({ label: `@${one.name}`, value: one.id }));
    const channels = state
      .channels()
      .filter(({ type }) => !option.channel_types?.length || option.channel_types.includes(type))
      .map((one) => ({ label: `#${one.name}`, value: one.id }));
    const all =
      option.type === 7
        ? channels
        : option.type === 8
          ? roles
          : option.type === 6
            ? people
            : [...people, ...roles];
    return filtered(all, typed);
  }

  const filtered = (items, typed) =>
    items
      .filter(({ label, detail }) =>
        `${label} ${detail ?? ""}`.toLowerCase().includes(typed.toLowerCase().replace(/^[#@]/, "")),
      )
      .slice(0, 25);

  /** What may be chosen without asking the bot; undefined for free text. */
  function localItems(option, typed) {
    if (option.choices?.length)
      return filtered(
        option.choices.map(({ name, value }) => ({ label: name, value })),
        typed,
      );
    if (option.type === BOOLEAN)
      return filtered(
        [
          { label: "True", value: true },
          { label: "False", value: false },
        ],
        typed,
      );
    if (ENTITIES.has(option.type)) return entityItems(option, typed);
    return undefined;
  }

  /** No list any more, neither now nor when the bot answers what it was asked for it. */
  function closeList() {
    asked += 1;
    suggestions.hide();
  }

  function choose(field, item) {
    field.chosen = { label: item.label, value: item.value };
    field.input.value = item.label;
    closeList();
    refresh(field);
    const list = [...fields.values()];
    const next =
      list.slice(list.indexOf(field) + 1).find((one) => one.input.value === "") ??
      list.find((one) => one.option.required && one.input.value === "");
    if (next) next.input.focus();
  }

  /** Who only passes by what is chosen leaves it: no other choice is marked, which Tab or Enter would take. */
  const isChosen = (field) => field.chosen?.label === field.input.value;

  function suggest(field) {
    const { option, input } = field;
    const typed = isChosen(field) ? "" : input.value.trim();
    const items = localItems(option, typed);
    if (items) {
      suggestions.show({
        for: input,
        label: option.description || option.name,
        items,
        note: "No such choice",
        selectFirst: !isChosen(field),
        onPick: (item) => choose(field, item),
      });
    } else if (option.autocomplete) askBot(field);
    else suggestions.hide();
  }

  function askBot(field) {
    const { option, input } = field;
    const label = option.description || option.name;
    asked += 1;
    const turn = asked;
    clearTimeout(field.timer);
    // Until the bot answers, only what fits what is typed by now: Enter must not take what was offered before.
    const typed = isChosen(field) ? "" : input.value.trim();
    suggestions.show({
      for: input,
      label,
      items: filtered(field.offered ?? [], typed),
      note: "Loading…",
      selectFirst: typed !== "",
      onPick: (item) => choose(field, item),
    });
    field.timer = setTimeout(async () => {
      const isStale = () => turn !== asked || document.activeElement !== input;
      if (isStale()) return;
      try {
        const { choices } = await autocomplete(
          entry.name,
          {
            ...values(),
            [option.name]: isChosen(field) ? String(field.chosen.value) : input.value,
          },
          option.name,
        );
        if (isStale()) return;
        field.offered = choices.map(({ name, value }) => ({ label: name, value }));
        suggestions.show({
          for: input,
          label,
          items: field.offered,
          note: "No suggestions. You can type anything.",
          selectFirst: !isChosen(field) && (input.value.trim() !== "" || option.required === true),
          onPick: (item) => choose(field, item),
        });
      } catch (error) {
        if (!isStale())
          suggestions.show({
            for: input,
            label,
            items: [],
            note: `${error.message} You can type anything.`,
            onPick: () => {},
          });
      }
    }, AUTOCOMPLETE_AFTER_MS);
  }

  function grow(input) {
    if (input.tagName !== "TEXTAREA") return;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
  }

  function refresh(field, problem) {
    grow(field.input);
    field.box.classList.toggle("field-wrong", Boolean(problem));
    field.input.setAttribute("aria-invalid", String(Boolean(problem)));
    field.problem.textContent = problem ?? "";
    if (field.input.tagName === "INPUT" && field.option.type !== FILE) {
      field.input.style.width = `${Math.max(6, Math.min(42, field.input.value.length + 2))}ch`;
    }
  }

  function makeInput(option, id, problemId) {
    const common = {
      id,
      name: option.name,
      autocomplete: "off",
      "aria-required": option.required ? "true" : undefined,
      "aria-describedby": `${help.id} ${problemId}`,
    };
    if (option.type === FILE) return el("input", { type: "file", class: "field-file", ...common });
    const lists =
      option.autocomplete || option.choices?.length || option.type === BOOLEAN || ENTITIES.has(option.type);
    const combobox = lists
      ? {
          role: "combobox",
          "aria-expanded": "false",
          "aria-autocomplete": "list",
          "aria-haspopup": "listbox",
        }
      : {};
    if (option.type === TEXT && !lists) return el("textarea", { rows: "1", class: "field-input", ...common });
    return el("input", {
      type: "text",
      class: "field-input",
      inputmode: option.type === 4 ? "numeric" : option.type === 10 ? "decimal" : "text",
      spellcheck: "false",
      ...common,
      ...combobox,
    });
  }

  function addField(option, focus = false) {
    const id = freshId("option");
    const problemId = freshId("problem");
    const input = makeInput(option, id, problemId);
    const problem = el("span", { class: "field-problem", id: problemId, role: "alert" });
    const box = el(
      "div",
      {
        class: `field${option.type === TEXT && input.tagName === "TEXTAREA" ? " field-wide" : ""}`,
        data: { option: option.name },
      },
      el(
        "label",
        { for: id },
        option.name,
        option.required ? el("span", { class: "required", "aria-hidden": "true" }, "*") : undefined,
      ),
      el("div", { class: "field-body" }, input, problem),
      option.required
        ? undefined
        : iconButton("close", `Remove ${option.name}`, () => removeField(option.name), {
            class: "field-remove",
          }),
    );
    const field = { option, input, problem, box, chosen: undefined, timer: undefined };
    fields.set(option.name, field);
    input.addEventListener("focus", () => {
      describe(option);
      suggest(field);
    });
    input.addEventListener("blur", () => suggestions.hide());
    input.addEventListener("input", () => {
      if (goToNamed(field)) return;
      if (field.chosen && field.chosen.label !== input.value) field.chosen = undefined;
      refresh(field, input.value && problemOf(option, input.value, true));
      suggest(field);
    });
    input.addEventListener("keydown", (event) => onKey(event, field));
    row.append(box);
    refresh(field);
    renderExtras();
    if (focus) input.focus();
    return field;
  }

  /** As in Discord: an option's name and a colon, at the end of what is typed in any field, goes on in that option. */
  function goToNamed(field) {
    const { input } = field;
    const [typed = "", name] = /(?:^|\s+)([\w-]+):$/.exec(input.value) ?? [];
    const option = entry.options.find((one) => one.name === name);
    if (!option || field.option.type === FILE || input.selectionStart !== input.value.length) return false;
    input.value = input.value.slice(0, -typed.length);
    closeList();
    refresh(field);
    const there = fields.get(name);
    if (there) there.input.focus();
    else addField(option, true);
    return true;
  }

  function removeField(name) {
    const field = fields.get(name);
    clearTimeout(field?.timer);
    field?.box.remove();
    fields.delete(name);
    suggestions.hide();
    renderExtras();
    focusFirst();
  }

  function renderExtras() {
    const left = entry.options.filter(({ name }) => !fields.has(name));
    extras.replaceChildren(
      ...left.map((option) =>
        el(
          "button",
          {
            type: "button",
            class: "extra",
            title: option.description,
            "aria-label": `Add option ${option.name}: ${option.description ?? ""}`,
            on: { click: () => addField(option, true) },
          },
          icon("plus", 14),
          option.name,
        ),
      ),
    );
  }

  function onKey(event, field) {
    if (suggestions.onKey(event)) {
      if (event.key === "Escape") closeList();
      return;
    }
    if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void submit().catch(onError);
    } else if (event.key === "Backspace" && field.input.value === "" && field.option.type !== FILE) {
      event.preventDefault();
      const list = [...fields.values()];
      const before = list[list.indexOf(field) - 1];
      if (!field.option.required) removeField(field.option.name);
      else if (before) before.input.focus();
      else onCancel();
    }
  }

  /** Values by option name, as the guild wants them; empty optional ones left out. */
  function values() {
    const out = {};
    for (const { option, input, chosen } of fields.values()) {
      const text = input.value.trim();
      if (option.type === FILE || text === "") continue;
      if (chosen) out[option.name] = chosen.value;
      else if (option.choices?.length || option.type === BOOLEAN) {
        const match = localItems(option, "").find(({ label }) => label.toLowerCase() === text.toLowerCase());
        out[option.name] = match ? match.value : text;
      } else out[option.name] = option.type === 4 || option.type === 10 ? Number(text) : text;
    }
    return out;
  }

  function problems() {
    const wrong = [];
    for (const field of fields.values()) {
      const { option, input, chosen } = field;
      const text = input.value.trim();
      let problem = problemOf(option, text, input.files?.length > 0);
      const closed = option.choices?.length || option.type === BOOLEAN;
      if (
        !problem &&
        text &&
        closed &&
        !chosen &&
        !localItems(option, "").some(({ label }) => label.toLowerCase() === text.toLowerCase())
      ) {
        problem = "Choose one of the list.";
      }
      refresh(field, problem);
      if (problem) wrong.push(field);
    }
    return wrong;
  }

  async function submit() {
    if (sending) return;
    closeList();
    const [wrong] = problems();
    if (wrong) {
      wrong.input.focus();
      closeList();
      return;
    }
    sending = true;
    node.setAttribute("aria-busy", "true");
    try {
      const options = values();
      for (const { option, input } of fields.values()) {
        if (option.type === FILE && input.files?.[0]) options[option.name] = await fileValue(input.files[0]);
      }
      await onSend(entry, options);
    } catch (error) {
      let placed = false;
      for (const { path, message } of error.problems ?? []) {
        const field = fields.get(path.replace(/^options\./, ""));
        if (!field) continue;
        refresh(field, message);
        if (!placed) field.input.focus();
        placed = true;
      }
      closeList();
      if (!placed) onError(error);
    } finally {
      sending = false;
      node.removeAttribute("aria-busy");
    }
  }

  function focusFirst() {
    const target = [...fields.values()].find(({ input }) => input.value === "") ?? [...fields.values()][0];
    if (target) target.input.focus();
    else node.querySelector(".command-go")?.focus();
  }

  const isGiven = (name) => given.some(([one]) => one === name);
  for (const option of entry.options) if (option.required || isGiven(option.name)) addField(option);
  for (const [name, text, chosen] of given) {
    const field = fields.get(name);
    if (!field || field.option.type === FILE) continue;
    field.input.value = text;
    field.chosen = chosen ?? undefined;
    refresh(field);
  }
  // A field has its height when it is in the page.
  if (given.length > 0) requestAnimationFrame(() => [...fields.values()].forEach(({ input }) => grow(input)));
  renderExtras();
  describe();
  const go = el("button", { type: "submit", class: "button button-primary command-go" }, "Send");
  node.querySelector(".command-line").append(go);
  go.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Backspace") {
      event.preventDefault();
      onCancel();
    }
  });
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit().catch(onError);
  });
  const written = () => ({
    name: entry.name,
    fields: [...fields.values()].map(({ option, input, chosen }) => [option.name, input.value, chosen]),
  });
  return { node, focus: focusFirst, written };
}
