import { atom } from "./icons.js";
import { draw, h } from "./node.js";
import { code, problem } from "./parts.js";

/** The one-time code of the address, taken out of it at once: it must not stay in the history. */
export function takeCode() {
  const found = /^#code=([^&/]+)/.exec(location.hash)?.[1];
  if (found) history.replaceState(null, "", location.pathname);
  return found && decodeURIComponent(found);
}

/** Asks for the key until the supervisor takes it. `why` = what was refused before. */
export function showSignIn(place, { api, why, onDone }) {
  let error = why;
  let isBusy = false;

  async function send(event) {
    event.preventDefault();
    const key = event.target.elements.key.value.trim();
    if (key === "" || isBusy) return;
    isBusy = true;
    redraw();
    try {
      onDone(await api.post("/page/session", { key }));
    } catch (refused) {
      error = refused;
      isBusy = false;
      redraw();
      place.querySelector("input[name=key]")?.select();
    }
  }

  function redraw() {
    draw(
      place,
      h(
        "main",
        { class: "sign-in", id: "main" },
        h(
          "form",
          { class: "sign-in-card", "aria-labelledby": "sign-in-title", on: { submit: send } },
          h("span", { class: "brand-mark" }, atom(34)),
          h("h1", { id: "sign-in-title" }, "Sign in to Atomizer HQ"),
          h(
            "p",
            { class: "muted" },
            "The quick way: ",
            code("hq page"),
            " prints a link that opens this page once. Or give the supervisor’s key.",
          ),
          error ? problem(error) : undefined,
          // Programs that keep passwords want a name beside them.
          h("input", { name: "username", autocomplete: "username", value: "operator", hidden: true }),
          h(
            "label",
            { class: "field" },
            h("span", { class: "field-label" }, "Key"),
            h("input", {
              class: "field-input",
              name: "key",
              type: "password",
              autocomplete: "current-password",
              required: true,
              spellcheck: "false",
            }),
            h("span", { class: "field-hint" }, "ORCHESTRATOR_API_KEY, or the content of api.key in HQ_HOME"),
          ),
          h("button", { type: "submit", class: "button primary wide", disabled: isBusy }, "Sign in"),
        ),
      ),
    );
  }
  redraw();
  place.querySelector("input[name=key]")?.focus();
}
