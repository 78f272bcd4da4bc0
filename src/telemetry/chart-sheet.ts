import type { ChartKind, MetricsView } from "../domain/metrics-types.ts";
import { cut } from "../kernel/text.ts";
import { FONT, GROUPS, type Looks, percent, shortCount, shortSpan } from "./chart-looks.ts";

/** About as wide as a phone shows it, so that its words are as large there as those around it. */
export const WIDTH = 440;
const EDGE = 14;
const GAP = 12;
const HEAD = 40;
const TILES = 76;
/** An overview is to fit a screen. */
const MOST_AGENTS: Readonly<Record<ChartKind, number>> = { overview: 5, hours: 0, agents: 10, latency: 0 };

export type PanelKind = Exclude<ChartKind, "overview">;
export type Panel = {
  readonly kind: PanelKind;
  readonly width: number;
  readonly height: number;
  readonly mostAgents: number;
};
type Drawn = Panel & { readonly svg: string };

const TITLES: Readonly<Record<PanelKind, (view: MetricsView, panel: Panel) => string>> = {
  hours: ({ series }) => `By ${series.every}`,
  agents: ({ agents }, { mostAgents }) =>
    agents.length > mostAgents ? `Busiest ${mostAgents} of ${agents.length} agents` : "By agent",
  latency: () => "Working time",
};

/** Which panels a picture has, and how large each one's drawing is. */
export function panelsOf(kind: ChartKind, view: MetricsView): readonly Panel[] {
  const width = WIDTH - 2 * EDGE - 2 * GAP;
  const mostAgents = MOST_AGENTS[kind];
  const agents = Math.max(2, Math.min(mostAgents, view.agents.length));
  const heights: Readonly<Record<PanelKind, number>> = { hours: 160, agents: 4 + 29 * agents, latency: 170 };
  const kinds: readonly PanelKind[] = kind === "overview" ? ["hours", "agents"] : [kind];
  return kinds.map((one) => ({ kind: one, width, height: heights[one], mostAgents }));
}

/** One picture of panels below each other; above them, of an overview, the figures that count most. */
export function sheetOf(kind: ChartKind, view: MetricsView, drawn: readonly Drawn[], looks: Looks): string {
  const parts: string[] = [];
  let y = EDGE;
  if (kind === "overview") {
    parts.push(headOf(view, looks, y), tilesOf(view, looks, y + HEAD));
    y += HEAD + TILES + GAP;
  }
  for (const panel of drawn) {
    const height = HEAD + panel.height + GAP;
    parts.push(panelOf(view, panel, looks, y, height));
    y += height + GAP;
  }
  const height = y - GAP + EDGE;
  const ground = `<rect width="${WIDTH}" height="${height}" fill="${looks.background}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="${FONT}">${ground}${parts.join("")}</svg>`;
}

function headOf(view: MetricsView, looks: Looks, y: number): string {
  const { since, at } = view;
  const span = since === undefined ? "all time" : `last ${spanWords(at - since)}`;
  const about = [view.agent, view.workflow].filter((word) => word !== undefined).join(" · ");
  const until = `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return [
    text(EDGE + 2, y + 22, cut(about === "" ? "Delegations" : about, 24), {
      size: 20,
      colour: looks.text,
      isBold: true,
    }),
    text(WIDTH - EDGE - 2, y + 12, span, { size: 13, colour: looks.faint, anchor: "end" }),
    text(WIDTH - EDGE - 2, y + 28, until, { size: 13, colour: looks.faint, anchor: "end" }),
  ].join("");
}

function spanWords(ms: number): string {
  // What is told begins with a whole hour or day, a little earlier than asked for.
  const hours = Math.max(1, Math.floor(ms / 3_600_000));
  if (hours <= 72) return hours === 1 ? "hour" : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

function tilesOf({ delegations, now }: MetricsView, looks: Looks, y: number): string {
  const { working, total, successRate } = delegations;
  const open = now.delegations.queued + now.delegations.dispatched;
  const waiting = now.delegations.queued;
  const rateColour =
    successRate === undefined
      ? looks.text
      : successRate >= 0.95
        ? looks.groups.done
        : looks.groups[successRate >= 0.8 ? "partly done" : "failed"];
  const tiles = [
    { big: shortCount(total), small: "settled", colour: looks.text },
    { big: percent(successRate), small: "success", colour: rateColour },
    {
      big: working.p50Ms === undefined ? "–" : shortSpan(working.p50Ms),
      small: working.p95Ms === undefined ? "median" : `median, p95 ${shortSpan(working.p95Ms)}`,
      colour: looks.accent,
    },
    {
      big: shortCount(open),
      small: waiting > 0 ? `open, ${shortCount(waiting)} waiting` : "open now",
      colour: looks.text,
    },
  ];
  const width = (WIDTH - 2 * EDGE - 3 * 8) / 4;
  const widest = Math.max(...tiles.map(({ small }) => widthOf(small, 1)));
  const smallSize = Math.min(13.5, (width - 12) / widest);
  return tiles
    .map(({ big, small, colour }, index) => {
      const x = EDGE + index * (width + 8);
      const middle = x + width / 2;
      const size = big.length > 6 ? 19 : 23;
      return (
        card(x, y, width, TILES, looks) +
        text(middle, y + 37, big, { size, colour, isBold: true, anchor: "middle" }) +
        text(middle, y + 59, small, { size: smallSize, colour: looks.faint, anchor: "middle" })
      );
    })
    .join("");
}

function panelOf(view: MetricsView, panel: Drawn, looks: Looks, y: number, height: number): string {
  const { kind, svg, width, height: inner } = panel;
  const box = card(EDGE, y, WIDTH - 2 * EDGE, height, looks);
  const title = text(EDGE + GAP, y + 26, TITLES[kind](view, panel), {
    size: 16,
    colour: looks.text,
    isBold: true,
  });
  const isEmpty =
    kind === "agents" ? view.agents.length === 0 : view.series.items.every(({ total }) => total === 0);
  if (isEmpty) {
    const words = text(WIDTH / 2, y + HEAD + inner / 2 + 4, "Nothing ended in this time.", {
      size: 15,
      colour: looks.faint,
      anchor: "middle",
    });
    return box + title + words;
  }
  const place = `x="${EDGE + GAP}" y="${y + HEAD}" width="${width}" height="${inner}"`;
  return (
    box + title + legend(kind, looks, y + 26) + svg.replace(/^<svg width="\d+" height="\d+"/, `<svg ${place}`)
  );
}

/** Squares with their words, from the right. */
function legend(kind: PanelKind, looks: Looks, y: number): string {
  const entries =
    kind === "latency"
      ? [
          { name: "half below", colour: looks.accent },
          { name: "95 % below", colour: looks.second },
        ]
      : kind === "hours"
        ? GROUPS.map(({ name }) => ({ name, colour: looks.groups[name] }))
        : [];
  let x = WIDTH - EDGE - GAP;
  return entries
    .toReversed()
    .map(({ name, colour }) => {
      x -= widthOf(name, 13.5);
      const word = text(x, y, name, { size: 13.5, colour: looks.faint });
      x -= 15;
      const square = `<rect x="${x}" y="${y - 10}" width="10" height="10" rx="3" fill="${colour}"/>`;
      x -= 11;
      return square + word;
    })
    .join("");
}

/** About how wide words are in our font. */
function widthOf(words: string, size: number): number {
  const ems = Array.from(words, (sign) =>
    "iljtfr ".includes(sign) ? 0.32 : "mw%".includes(sign) ? 0.85 : 0.545,
  );
  return size * ems.reduce((sum, em) => sum + em, 0);
}

function card(x: number, y: number, width: number, height: number, looks: Looks): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10" fill="${looks.panel}"/>`;
}

type Style = {
  readonly size: number;
  readonly colour: string;
  readonly isBold?: boolean;
  readonly anchor?: "start" | "middle" | "end";
};

function text(x: number, y: number, words: string, style: Style): string {
  const weight = style.isBold ? ' font-weight="bold"' : "";
  const safe = words.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<text x="${x}" y="${y}" font-size="${style.size}" fill="${style.colour}"${weight} text-anchor="${style.anchor ?? "start"}">${safe}</text>`;
}
