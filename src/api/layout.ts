const NODE_WIDTH = 190;
const NODE_HEIGHT = 58;
const GAP = 26;
const RANK_GAP = 56;
const MARGIN = 16;
/** A drawing of more would hold the supervisor up for longer than 0.1 s: those stand in columns by their waves. */
const MOST_DRAWN = 60;
const MOST_EDGES = 90;
const MOST_KEPT = 50;

type Step = { readonly id: string; readonly wave: number; readonly needs: readonly string[] };
type Point = { readonly x: number; readonly y: number };
type Box = Point & { readonly width: number; readonly height: number };

/** Where each step stands, by its centre, and how the lines between them go; in px. */
export type Layout = {
  readonly layout: "dagre" | "waves";
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly points: readonly Point[];
  }[];
};

/** Draws runs from left to right. What hangs on what does not change while a run goes on, so each is drawn once. */
export function createLayouts() {
  const kept = new Map<string, Layout>();
  return async (run: string, steps: readonly Step[]): Promise<Layout> => {
    const known = kept.get(run);
    if (known) return known;
    const edges = edgesOf(steps);
    const isDrawn = steps.length <= MOST_DRAWN && edges.length <= MOST_EDGES;
    const layout = isDrawn ? await drawn(steps, edges) : inColumns(steps, edges);
    kept.set(run, layout);
    const oldest = kept.keys().next();
    if (kept.size > MOST_KEPT && !oldest.done) kept.delete(oldest.value);
    return layout;
  };
}

type Edge = { readonly from: string; readonly to: string };

function edgesOf(steps: readonly Step[]): readonly Edge[] {
  const known = new Set(steps.map(({ id }) => id));
  return steps.flatMap(({ id, needs }) =>
    needs.filter((need) => known.has(need)).map((need) => ({ from: need, to: id })),
  );
}

/** The library is only loaded when somebody looks at a run. */
async function drawn(steps: readonly Step[], edges: readonly Edge[]): Promise<Layout> {
  const { Graph, layout } = await import("@dagrejs/dagre");
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: RANK_GAP, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of steps) graph.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    layout: "dagre",
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: new Map(steps.map(({ id }) => [id, boxAt(graph.node(id) as Point)])),
    edges: edges.map(({ from, to }) => ({
      from,
      to,
      points: (graph.edge(from, to) as { readonly points: readonly Point[] }).points.map(rounded),
    })),
  };
}

/** A column a wave; in it, a step stands near what it needs. */
function inColumns(steps: readonly Step[], edges: readonly Edge[]): Layout {
  const rows = new Map<string, number>();
  const boxes = new Map<string, Box>();
  let width = 0;
  let height = 0;
  const waves = Map.groupBy(steps, ({ wave }) => wave);
  for (const wave of [...waves.keys()].sort((a, b) => a - b)) {
    const column = (waves.get(wave) ?? []).map((step) => ({ id: step.id, near: meanRow(step, rows) }));
    column.sort((a, b) => a.near - b.near);
    for (const [row, { id }] of column.entries()) {
      rows.set(id, row);
      const x = MARGIN + wave * (NODE_WIDTH + RANK_GAP) + NODE_WIDTH / 2;
      const y = MARGIN + row * (NODE_HEIGHT + GAP) + NODE_HEIGHT / 2;
      boxes.set(id, boxAt({ x, y }));
      width = Math.max(width, x + NODE_WIDTH / 2 + MARGIN);
      height = Math.max(height, y + NODE_HEIGHT / 2 + MARGIN);
    }
  }
  const lines = edges.flatMap(({ from, to }) => {
    const [a, b] = [boxes.get(from), boxes.get(to)];
    if (!a || !b) return [];
    const points = [
      { x: a.x + NODE_WIDTH / 2, y: a.y },
      { x: b.x - NODE_WIDTH / 2, y: b.y },
    ];
    return { from, to, points };
  });
  return { layout: "waves", width, height, boxes, edges: lines };
}

/** Without a need it stands above. */
function meanRow({ needs }: Step, rows: ReadonlyMap<string, number>): number {
  const known = needs.flatMap((need) => rows.get(need) ?? []);
  return known.length === 0 ? -1 : known.reduce((sum, row) => sum + row, 0) / known.length;
}

function boxAt(point: Point): Box {
  return { ...rounded(point), width: NODE_WIDTH, height: NODE_HEIGHT };
}

/** Tenths of a pixel; nobody sees more. */
function rounded({ x, y }: Point): Point {
  return { x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 };
}
