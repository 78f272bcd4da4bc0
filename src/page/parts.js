import { icon } from "./icons.js";
import { h } from "./node.js";
import { inline, rich } from "./rich.js";

/** The head of a view: what it is, what belongs to it, what can be done. */
export function viewHead({ title, above, beside, below, actions = [] }) {
  return h(
    "header",
    { class: "view-head", key: "head" },
    h(
      "div",
      { class: "view-title" },
      above ? h("div", { class: "view-above" }, above) : undefined,
      h("div", { class: "view-name" }, h("h1", { id: "view-title", tabindex: -1 }, title), beside),
      below ? h("div", { class: "view-below" }, below) : undefined,
    ),
    actions.length > 0 ? h("div", { class: "actions" }, actions) : undefined,
  );
}

/** A way back to the list that something belongs to. */
export function crumb(href, text) {
  return h("a", { class: "crumb", href }, icon("back", 14), text);
}

export function panel(title, { key = title, count, beside, tone = "" } = {}, ...content) {
  const id = `panel-${String(key)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")}`;
  return h(
    "section",
    { class: `panel ${tone}`.trim(), key, "aria-labelledby": id },
    h(
      "div",
      { class: "panel-head" },
      h("h2", { id }, title),
      count === undefined ? undefined : h("span", { class: "count" }, count),
      beside ? h("div", { class: "panel-beside" }, beside) : undefined,
    ),
    ...content,
  );
}

/** How one of these agents is asked from a shell. */
export function askFromShell(agents, words) {
  const { id = "AGENT" } = agents.find((agent) => agent.id === "webster") ?? agents[0] ?? {};
  return code(`hq delegate ${id} "${words}"`);
}

/** How a workflow is run from a shell: the first shipped one, where its agents are. */
export function runFromShell(agents) {
  const isThere = (id) => agents.some((agent) => agent.id === id);
  return isThere("webster") && isThere("tech-lead")
    ? h("span", {}, code("hq workflow run quick-research --input query=…"))
    : h("span", {}, code("hq workflow run NAME"), "; ", code("hq workflow list"), " shows which there are");
}

/** What is shown when there is nothing: what it means, and what to do next. */
export function empty(title, ...next) {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, title),
    ...next.map((text) => h("p", {}, text)),
  );
}

export const code = (text) => h("code", { class: "code" }, text);

/** What the supervisor said no to, in its words. */
export function problem(error) {
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("bang"),
    h(
      "div",
      {},
      h("p", { class: "problem-text" }, inline(error.message)),
      error.problems?.length > 0
        ? h(
            "ul",
            {},
            error.problems
              .filter(({ message }) => !error.message.includes(message))
              .map(({ path, message }) => h("li", {}, inline(path ? `${path}: ${message}` : message))),
          )
        : undefined,
      error.hint ? h("p", { class: "problem-hint" }, inline(error.hint)) : undefined,
    ),
  );
}

export function button(text, onClick, { tone = "", shape, disabled, label } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${tone}`.trim(), disabled, "aria-label": label, on: { click: onClick } },
    shape ? icon(shape, 16) : undefined,
    text,
  );
}

/** Pairs of what and what it is; absent values are left out. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== undefined && value !== "" && value !== false)
      .map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** Text that others wrote, as it is; long ones fold. */
export function prose(text, { long = 1600, label = "Show all of it" } = {}) {
  if (text.length <= long) return h("div", { class: "prose" }, rich(text));
  return h(
    "details",
    { class: "prose-long" },
    h(
      "summary",
      {},
      h("div", { class: "prose" }, rich(`${text.slice(0, long)} …`)),
      h("span", { class: "more" }, label),
    ),
    h("div", { class: "prose" }, rich(text)),
  );
}

export function bar(part, whole, label) {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  return h(
    "span",
    {
      class: "bar",
      role: "progressbar",
      "aria-valuenow": part,
      "aria-valuemin": 0,
      "aria-valuemax": whole,
      "aria-label": label,
    },
    h("span", { class: "bar-fill", style: { width: `${(share * 100).toFixed(1)}%` } }),
  );
}
