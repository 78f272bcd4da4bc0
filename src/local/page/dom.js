/** Builds an element. Text only ever becomes text nodes: nothing here parses HTML. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "on") for (const [type, run] of Object.entries(value)) node.addEventListener(type, run);
    else if (name === "data") for (const [key, text] of Object.entries(value)) node.dataset[key] = text;
    else if (name === "style")
      for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(
    ...children.flat(4).filter((child) => child !== undefined && child !== null && child !== false),
  );
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const STROKES = {
  hash: "M10 3 7.5 21M16.5 3 14 21M4 8.5h17M3 15.5h17",
  thread: "M4 5h16v9H11l-4 4v-4H4zM8 9.5h8",
  members:
    "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11Zm-6 8c.4-3.4 2.9-5 6-5s5.600 1.600 6 5M15.500 5a3 3 0 0 1 0 5.800M17 14.300c2.300.5 3.800 2 4 4.700",
  reply: "M9 6 3.500 11.500 9 17M4 11.500h9c4.500 0 7 2 7 6.500",
  smile:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8.500 14.200c1.800 2.400 5.200 2.400 7 0M9 9.500v.6M15 9.500v.6",
  more: "M5.500 12h.01M12 12h.01M18.500 12h.01",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  send: "M4 12 20 4l-4.500 16-4-6.500zM11.500 13.500 20 4",
  menu: "M4 7h16M4 12h16M4 17h16",
  file: "M6 3h8l5 5v13H6zM14 3v5h5M9 13h7M9 17h7",
  download: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
  down: "M6 9.500l6 6 6-6",
  right: "M9.500 6l6 6-6 6",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  edit: "M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM13.500 7l3.500 3.500",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  apps: "M12 3.500 20 8v8l-8 4.500L4 16V8zM4 8l8 4.500L20 8M12 12.500v8",
  check: "M5 12.500l4.500 4.500L19 7.500",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  warning: "M12 4 2.500 20h19zM12 10v4.500M12 17.300v.2",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  slash:
    "M6 3.500h12A2.500 2.500 0 0 1 20.500 6v12a2.500 2.500 0 0 1-2.500 2.500H6A2.500 2.500 0 0 1 3.500 18V6A2.500 2.500 0 0 1 6 3.500ZM14.500 7l-5 10",
};

/** A line icon; decorative, the control around it carries the name. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    class: `icon icon-${name}`,
    "aria-hidden": "true",
    focusable: "false",
  }))
    svg.setAttribute(key, String(value));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", STROKES[name] ?? "");
  svg.append(path);
  return svg;
}

/** The mark of the guild and its bot: three orbits. */
export function atom(size = 28) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 48 48");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("class", "atom");
  svg.setAttribute("aria-hidden", "true");
  for (const turn of [0, 60, 120]) {
    const orbit = document.createElementNS(SVG, "ellipse");
    for (const [key, value] of Object.entries({
      cx: 24,
      cy: 24,
      rx: 19,
      ry: 7.2,
      transform: `rotate(${turn} 24 24)`,
    }))
      orbit.setAttribute(key, String(value));
    svg.append(orbit);
  }
  const core = document.createElementNS(SVG, "circle");
  for (const [key, value] of Object.entries({ cx: 24, cy: 24, r: 3.8 }))
    core.setAttribute(key, String(value));
  svg.append(core);
  return svg;
}

/** A button that shows only an icon: `label` is its name and tooltip. */
export function iconButton(name, label, onClick, more = {}) {
  const { class: extra = "", ...rest } = more;
  return el(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`.trim(),
      "aria-label": label,
      title: label,
      on: { click: onClick },
      ...rest,
    },
    icon(name),
  );
}

const HUES = [205, 265, 330, 12, 150, 235, 290, 178];

/** Hues that white letters can be read on, spread by name. */
function hueOf(text) {
  let hash = 2_166_136_261;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0), 16_777_619) >>> 0;
  return HUES[((hash ^ (hash >>> 15)) >>> 0) % HUES.length];
}

/** Initials on a colour that belongs to the id; the guild's mark for bots. */
export function avatar(person, size = 40) {
  const name = person.display ?? person.global_name ?? person.username ?? person.name ?? "?";
  const letters = name
    .split(/[\s_-]+/)
    .map((word) => [...word][0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();
  return el(
    "span",
    {
      class: `avatar${person.bot ? " avatar-bot" : ""}`,
      "aria-hidden": "true",
      style: { "--size": `${size}px`, "--hue": String(hueOf(name)) },
    },
    person.bot ? atom(Math.round(size * 0.66)) : letters,
  );
}

let lastId = 0;
/** A fresh element id, for labels and descriptions. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** Ids of Discord are decimal numbers: a longer one is newer. */
export function compareIds(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Says something to people who listen to the page. */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text.slice(0, 300);
}

export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
