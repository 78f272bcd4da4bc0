import { atom, icon } from "./icons.js";
import { draw, h } from "./node.js";
import { to } from "./router.js";

const THEMES = { auto: "as the system", light: "light", dark: "dark" };
const NEXT_THEME = { auto: "light", light: "dark", dark: "auto" };

const CONNECTIONS = {
  opening: ["Connecting …", "quiet"],
  open: ["Live", "good"],
  lost: ["Connection lost", "bad"],
};

/** What every view stands in: where one is, where one can go, whether what one sees is live. */
export function createFrame(place, { onHelp, onSignOut, onSearch, onTheme }) {
  let theme = document.documentElement.dataset.theme ?? "auto";
  let last;

  function switchTheme() {
    theme = NEXT_THEME[theme];
    if (theme === "auto") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("hq.theme");
    } else {
      document.documentElement.dataset.theme = theme;
      localStorage.setItem("hq.theme", theme);
    }
    if (last) redraw(last);
    onTheme();
  }

  function redraw(state) {
    last = state;
    draw(place, h("div", { class: "frame", key: "frame" }, top(state), rail(state), content(state)));
  }

  function top({ connection }) {
    const [word, tone] = CONNECTIONS[connection];
    return h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: to("now"), "aria-label": "Atomizer HQ, to Now" },
        atom(24),
        h("span", {}, "Atomizer HQ"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "search-button",
          "aria-label": "Search all history",
          on: { click: onSearch },
        },
        icon("search", 16),
        h("span", {}, "Search all history"),
        h("kbd", {}, "/"),
      ),
      h(
        "span",
        { class: `connection tone-${tone}`, role: "status", "aria-label": `Connection: ${word}` },
        h("span", { class: "connection-dot" }),
        h("span", { class: "connection-word" }, word),
      ),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          title: `Colours: ${THEMES[theme]}`,
          "aria-label": `Colours: ${THEMES[theme]}. Switch`,
          on: { click: switchTheme },
        },
        icon("theme"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "icon-button wide-only",
          title: "Keys",
          "aria-label": "Keys",
          on: { click: onHelp },
        },
        icon("help"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          title: "Sign out",
          "aria-label": "Sign out",
          on: { click: onSignOut },
        },
        icon("leave"),
      ),
    );
  }

  function rail({ place: here, now }) {
    return h(
      "nav",
      { class: "rail", "aria-label": "Views" },
      h(
        "ul",
        {},
        places(now).map(([name, word, count, tone, title]) =>
          h(
            "li",
            { key: name },
            h(
              "a",
              { href: to(name), "aria-current": name === here ? "page" : undefined, class: "rail-link" },
              icon(name, 20),
              h("span", { class: "rail-word" }, word),
              count > 0
                ? h(
                    "span",
                    { class: `badge tone-${tone}`, title },
                    h("span", {}, count),
                    h("span", { class: "hidden-text" }, ` ${title}`),
                  )
                : undefined,
            ),
          ),
        ),
      ),
      now
        ? h(
            "p",
            { class: "rail-foot" },
            `Version ${now.version}`,
            now.mode === "local" ? " · local guild" : "",
          )
        : undefined,
    );
  }

  function content({ connection, banner }) {
    const lost = connection === "lost";
    return h(
      "div",
      { class: "content" },
      lost
        ? h(
            "p",
            { class: "banner tone-bad", role: "alert", key: "lost" },
            icon("lost"),
            h(
              "span",
              {},
              "The connection to the supervisor is lost. What you see may be old; this page goes on by itself.",
            ),
          )
        : undefined,
      banner
        ? h(
            "p",
            { class: "banner tone-wait", role: "status", key: "banner" },
            icon("bang"),
            h("span", {}, banner),
          )
        : undefined,
      h(
        "main",
        { id: "main", tabindex: -1, key: "main", "aria-labelledby": "view-title" },
        h("div", { class: "view", id: "view", isOpaque: true }),
      ),
    );
  }

  return { redraw };
}

function places(now) {
  const late = now ? [...now.runs, ...now.delegations, ...now.tasks].filter((one) => one.late).length : 0;
  const gates = now?.gates.length ?? 0;
  const away = now?.agents.filter(({ state }) => state === "down" || state === "unauthorized").length ?? 0;
  const tasks = now?.counts.task?.open ?? 0;
  return [
    ["now", "Now", late, "late", late === 1 ? "is late" : "are late"],
    ["runs", "Runs", now?.counts.run?.running ?? 0, "run", "running"],
    ["gates", "Gates", gates, "wait", gates === 1 ? "waits for people" : "wait for people"],
    ["agents", "Agents", away, "bad", "not reachable"],
    ["queue", "Queue", tasks, "quiet", "open"],
    ["metrics", "Metrics", 0, "quiet", ""],
  ];
}
