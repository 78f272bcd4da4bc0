import { h } from "./node.js";

const STROKES = {
  now: "M3 12h4l2.500-7 5 14 2.500-7h4",
  runs: "M6 5.500a2 2 0 1 0 0 .01M6 18.500a2 2 0 1 0 0 .01M18 12a2 2 0 1 0 0 .01M8 5.800c5 .4 3 5.900 8 6.100M8 18.200c5-.4 3-5.900 8-6.100",
  gates: "M12 3.500 20.500 12 12 20.500 3.500 12zM12 8.500v4.500M12 15.800v.1",
  agents:
    "M7 8.500h10a2.500 2.500 0 0 1 2.500 2.500v5.500A2.500 2.500 0 0 1 17 19H7a2.500 2.500 0 0 1-2.500-2.500V11A2.500 2.500 0 0 1 7 8.500ZM12 8.500V5M9 13v1.500M15 13v1.500",
  queue: "M4 6.500h16M4 12h16M4 17.500h10",
  metrics: "M4 20V4M4 20h16M8.500 16.500v-4M13 16.500V8M17.500 16.500v-6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.500 4.500",
  theme: "M12 3.500a8.500 8.500 0 1 0 0 17zM12 3.500a8.500 8.500 0 0 1 0 17",
  help: "M8.600 8.900a3.500 3.500 0 1 1 5.100 3.100c-1.200.7-1.700 1.400-1.700 2.700M12 18.300v.1",
  leave: "M14 4.500H6.500v15H14M11 12h9M16.500 8.500 20 12l-3.500 3.500",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.500 6l-6 6 6 6",
  out: "M13.500 5H19v5.500M19 5l-8 8M16 14v5H5V8h5",
  check: "M5 12.800l4.500 4.500L19 7.500",
  cross: "M6.800 6.800l10.400 10.400M17.200 6.800 6.800 17.200",
  dots: "M7 12h.01M12 12h.01M17 12h.01",
  play: "M8.500 6l9 6-9 6z",
  pause: "M9 6.500v11M15 6.500v11",
  slash: "M6.800 17.200 17.200 6.800",
  skip: "M6 6.500l6 5.500-6 5.500M13 6.500l6 5.500-6 5.500",
  clock: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM12 8.500V12l2.500 1.600",
  half: "M12 5.500a6.500 6.500 0 1 0 0 13zM12 5.500a6.500 6.500 0 0 1 0 13",
  square: "M7.500 7.500h9v9h-9z",
  bang: "M12 5.500v8M12 17.800v.1",
  down: "M12 5.500v12M6.800 12.800 12 18l5.200-5.200",
  up: "M12 16.500v-8M8.500 11.500 12 8l3.500 3.500",
  key: "M14.500 9.500a4 4 0 1 0-3 3.900L13 15h2v2h2v2h3v-3z",
  lost: "M4 9.500c4.800-4 11.200-4 16 0M7 13c3-2.400 7-2.400 10 0M10.300 16.300c1-.8 2.400-.8 3.400 0M4 4l16 16",
};

/** A line icon; decorative, the words beside it or the control around it carry the name. */
export function icon(name, size = 18) {
  return h(
    "svg",
    {
      viewBox: "0 0 24 24",
      width: size,
      height: size,
      class: `icon icon-${name}`,
      "aria-hidden": "true",
      focusable: "false",
    },
    h("path", { d: STROKES[name] ?? STROKES.dots }),
  );
}

/** The path of an icon, to be drawn inside another picture. */
export function iconPath(name, props = {}) {
  return h("path", { d: STROKES[name] ?? STROKES.dots, ...props });
}

/** The mark of the house: three orbits. */
export function atom(size = 26) {
  const orbit = (turn) =>
    h("ellipse", { cx: 24, cy: 24, rx: 19, ry: 7.2, transform: `rotate(${turn} 24 24)` });
  return h(
    "svg",
    { viewBox: "0 0 48 48", width: size, height: size, class: "atom", "aria-hidden": "true" },
    ...[0, 60, 120].map(orbit),
    h("circle", { cx: 24, cy: 24, r: 3.8 }),
  );
}
