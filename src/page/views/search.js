import { h } from "../node.js";
import { askFromShell, button, empty, viewHead } from "../parts.js";
import { bare } from "../rich.js";
import { to, toSubject } from "../router.js";
import { row } from "../rows.js";
import { isSettled } from "../states.js";
import { instant, span, ticking } from "../time.js";

const PAGE = 30;
/** How soon is asked again while the index is behind. */
const BEHIND_MS = 500;
const KINDS = [
  ["", "Everything"],
  ["delegation", "Delegations"],
  ["run", "Runs"],
  ["task", "Tasks"],
  ["worker", "Workers"],
  ["work", "Work items"],
];

/** Search over all history: as one types, newest first. */
export function searchView(app, { query }) {
  let { q = "", kind = "", agent = "", status = "" } = query;
  let items;
  let next;
  let indexed;
  let asked = 0;
  let error;
  let pages = 1;
  let later;

  async function load() {
    const number = ++asked;
    clearTimeout(later);
    const found = [];
    let before;
    try {
      for (let page = 0; page < pages; page++) {
        const answer = await app.api.get("/search", { q, kind, agent, status, before, limit: PAGE });
        // An answer that was overtaken by a newer question is worth nothing.
        if (number !== asked) return;
        found.push(...answer.items);
        before = answer.next;
        indexed = answer.indexed;
        if (before === undefined) break;
      }
      error = undefined;
    } catch (refused) {
      if (number !== asked) return;
      if (refused.status !== 404 && refused.status !== 400) throw refused;
      error = refused;
    }
    items = found;
    next = before;
    if (indexed?.isComplete === false) later = setTimeout(() => app.reload(), BEHIND_MS);
  }

  /** The address is in step, so that going back comes back here. */
  function keepAddress() {
    history.replaceState(null, "", to("search", undefined, { q, kind, agent, status }));
  }

  function ask(change) {
    ({ q = q, kind = kind, agent = agent, status = status } = change);
    pages = 1;
    keepAddress();
    void load().then(app.redraw).catch(app.refuse);
  }

  /** The button that asks for it goes with it: the focus goes to the field. */
  function widen(change) {
    ask(change);
    document.getElementById("search-field")?.focus();
  }

  function draw() {
    return [
      viewHead({ title: "Search" }),
      h(
        "form",
        { class: "search-form", role: "search", key: "form", on: { submit: openFirst } },
        h("input", {
          id: "search-field",
          class: "search-field",
          type: "search",
          value: q,
          placeholder: "An id, an agent, words of an objective or a result",
          "aria-label": "Search all history",
          autocomplete: "off",
          spellcheck: "false",
          on: { input: (event) => ask({ q: event.target.value }) },
        }),
      ),
      h(
        "div",
        { class: "filters", key: "filters", role: "group", "aria-label": "Kind" },
        KINDS.map(([value, word]) =>
          h(
            "button",
            {
              key: value,
              type: "button",
              class: "filter",
              "aria-pressed": String(value === kind),
              on: { click: () => ask({ kind: value }) },
            },
            word,
          ),
        ),
        status ? narrowed(`status ${status.replaceAll("_", " ")}`, () => widen({ status: "" })) : undefined,
        agent ? narrowed(`agent ${agent}`, () => widen({ agent: "" })) : undefined,
      ),
      indexed && !indexed.isComplete
        ? h(
            "p",
            { class: "banner tone-wait", role: "status", key: "indexing" },
            "Old history is still being read into the index; more may be found in a moment.",
          )
        : undefined,
      error ? h("p", { class: "banner tone-bad", role: "alert", key: "error" }, error.message) : found(),
      next ? button("Show older ones", () => ((pages += 1), app.reload())) : undefined,
    ];
  }

  function narrowed(word, clear) {
    return h(
      "button",
      {
        key: word,
        type: "button",
        class: "filter filter-set",
        "aria-label": `Do not narrow to ${word}`,
        on: { click: clear },
      },
      `${word} ×`,
    );
  }

  function found() {
    if (!items) return h("p", { class: "starting", key: "starting" }, "Reading …");
    if (items.length === 0 && (kind || agent || status))
      return empty(
        q === "" ? "Nothing is like that." : `Nothing matches “${q}” among these.`,
        button("Look among everything", () => widen({ kind: "", agent: "", status: "" })),
      );
    if (items.length === 0)
      return q === ""
        ? empty(
            "Nothing has been asked yet.",
            h(
              "span",
              {},
              "What people and agents ask, and what comes back, is found here: ",
              askFromShell(app.now.agents, "…"),
            ),
          )
        : empty(
            `Nothing matches “${q}”.`,
            "All words must be there; the last one may be a beginning. Try fewer words, or part of an id.",
          );
    return h(
      "div",
      { class: "panel panel-bare", key: "found" },
      h(
        "ul",
        { class: "rows", "aria-label": "Found" },
        items.map((item) => h("li", { key: `${item.kind} ${item.id}`, class: "rows-item" }, row(line(item)))),
      ),
    );
  }

  function openFirst(event) {
    event.preventDefault();
    document.querySelector("#main [data-row]")?.click();
  }

  return {
    // Who presses / types on at once.
    isReady: true,
    leave: () => clearTimeout(later),
    title: () => (q ? `${q} · Search` : "Search"),
    load,
    draw,
    focus: () => {
      const field = document.getElementById("search-field");
      field?.focus();
      field?.select();
    },
    concerns: ({ type }) => q === "" && /\.(queued|settled|started|seen|created)$/.test(type),
    arrived: (now) => {
      if (Object.keys(now).length > 0) {
        ({ q = "", kind = "", agent = "", status = "" } = now);
        pages = 1;
        app.reload();
      } else keepAddress();
      const field = document.getElementById("search-field");
      if (field && field.value !== q) field.value = q;
      field?.focus();
    },
  };
}

function line({ kind, id, status, agent, title, excerpt, marks, at, settledAt }) {
  return {
    href: hrefOf(kind, id),
    state: status === "queued" && kind === "delegation" ? "waiting" : status,
    title: excerpt === title ? marked(excerpt, marks) : title,
    sub: [agent, kind === "delegation" ? undefined : kind, id].filter(Boolean).join(" · "),
    note: excerpt && excerpt !== title ? marked(excerpt, marks) : undefined,
    end: [
      settledAt === undefined
        ? isSettled(status)
          ? instant(at)
          : ticking(at)
        : h("span", {}, instant(at), h("span", { class: "faint" }, ` in ${span(settledAt - at)}`)),
    ],
  };
}

function hrefOf(kind, id) {
  if (kind === "worker") return to("workers", id);
  return kind === "work" ? to("work", id) : toSubject(id, kind);
}

/** The places that matched stand out. */
function marked(text, marks = []) {
  const parts = [];
  let at = 0;
  for (const [from, end] of marks) {
    parts.push(bare(text, at, from), h("mark", { key: from }, bare(text, from, end)));
    at = end;
  }
  return [...parts, bare(text, at, text.length)];
}
