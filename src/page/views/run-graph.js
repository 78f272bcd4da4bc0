import { iconPath } from "../icons.js";
import { h } from "../node.js";
import { lookOf } from "../states.js";
import { span } from "../time.js";

const MARGIN = 14;
/** Smaller than this nobody can read it; on a phone it stays whole and scrolls. */
const LEAST_SCALE = 0.78;
const NAME_CHARACTERS = 19;
const SUB_CHARACTERS = 24;
const KINDS = { approval: "gate", workflow: "workflow", wait: "wait", conclusion: "conclusion" };

/** The steps of a run and what each of them needs, laid out by the server. */
export function runGraph(place) {
  const { graph, run } = place;
  const [width, height] = [graph.width + 2 * MARGIN, graph.height + 2 * MARGIN];
  return h(
    "div",
    { class: "graph-scroll", tabindex: -1 },
    h(
      "svg",
      {
        class: "graph",
        viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}`,
        width,
        height,
        style: { "--least": `${Math.round(width * LEAST_SCALE)}px`, "--whole": `${width}px` },
        role: "group",
        "aria-label": `Graph of ${run.workflow}: ${graph.nodes.length} ${graph.nodes.length === 1 ? "step" : "steps"}`,
      },
      h(
        "g",
        { key: "edges", class: "edges" },
        graph.edges.map((one) => edge(one, graph.nodes)),
      ),
      h(
        "g",
        { key: "nodes" },
        graph.nodes.map((node) => box(node, place)),
      ),
    ),
  );
}

function edge({ from, to, points }, nodes) {
  const isDone = lookOf(nodes.find(({ id }) => id === from)?.state).tone;
  return h("path", { key: `${from} ${to}`, class: `edge tone-${isDone}`, d: curve(points) });
}

/** A soft line through the points that the layout gives. */
function curve(points) {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M${first.x} ${first.y}`];
  for (let at = 0; at < rest.length - 1; at++) {
    const [a, b] = [rest[at], rest[at + 1]];
    const isLast = at === rest.length - 2;
    const end = isLast ? b : { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    parts.push(`Q${a.x} ${a.y} ${end.x} ${end.y}`);
  }
  if (rest.length === 1) parts.push(`L${rest[0].x} ${rest[0].y}`);
  return parts.join(" ");
}

function box(node, { chosen, now, hrefOf }) {
  const { id, kind, state, agent, items, x, y, width, height } = node;
  const isGate = node.gate?.status === "open";
  const { word, tone, shape } = lookOf(isGate ? "waiting" : state);
  const said = [agent ?? KINDS[kind], items ? `${items.settled}/${items.total}` : undefined, took(node, now)]
    .filter(Boolean)
    .join(" · ");
  return h(
    "a",
    {
      key: id,
      class: `node tone-${tone} node-${state} ${id === chosen ? "node-chosen" : ""}`.trim(),
      href: hrefOf(id),
      transform: `translate(${x - width / 2} ${y - height / 2})`,
      "aria-label": `${id}: ${isGate ? "waits for people" : word}${said ? `, ${said}` : ""}`,
      "aria-current": id === chosen ? "true" : undefined,
      data: { row: "", state },
    },
    h("title", {}, [id, word, node.reason].filter(Boolean).join(" · ")),
    h("rect", { class: "node-box", width, height, rx: kind === "approval" ? 4 : 11 }),
    h("rect", { class: "node-side", x: 0, y: 12, width: 3.5, height: height - 24, rx: 1.75 }),
    h("circle", { class: "node-disc", cx: 27, cy: height / 2, r: 13 }),
    iconPath(isGate ? "gates" : shape, {
      class: `node-icon icon-${isGate ? "gates" : shape}`,
      transform: `translate(17 ${height / 2 - 10}) scale(0.833)`,
    }),
    h(
      "text",
      { class: "node-name", x: 48, y: said ? height / 2 - 4 : height / 2 + 5 },
      cut(id, NAME_CHARACTERS),
    ),
    said ? h("text", { class: "node-sub", x: 48, y: height / 2 + 15 }, cut(said, SUB_CHARACTERS)) : undefined,
  );
}

function took({ state, startedAt, settledAt, gate }, now) {
  if (gate?.status === "open") return `since ${span(whole(now - gate.openedAt))}`;
  if (startedAt === undefined) return undefined;
  if (settledAt !== undefined) return span(settledAt - startedAt);
  return state === "running" || state === "waiting" ? span(whole(now - startedAt)) : undefined;
}

const whole = (ms) => Math.floor(ms / 1000) * 1000;

function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
