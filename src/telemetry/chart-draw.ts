import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Resvg } from "@resvg/resvg-js";
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { ChartKind, ChartTheme, MetricsView } from "../domain/metrics-types.ts";
import { FONT, type Looks, looksOf } from "./chart-looks.ts";
import { agentsOption, hoursOption, latencyOption } from "./chart-options.ts";
import { type PanelKind, panelsOf, sheetOf, WIDTH } from "./chart-sheet.ts";

use([BarChart, LineChart, GridComponent, SVGRenderer]);

/** So many points for each of ours: sharp on a phone. */
const SHARPNESS = 2.5;
const OPTIONS: Readonly<
  Record<PanelKind, (view: MetricsView, looks: Looks, mostAgents: number) => EChartsCoreOption>
> = {
  hours: hoursOption,
  agents: agentsOption,
  latency: latencyOption,
};

/** Draws a picture; takes a while, with the whole thread. The fonts are our own, so it looks alike everywhere. */
export function drawChart(kind: ChartKind, view: MetricsView, theme: ChartTheme): Uint8Array {
  const looks = looksOf(theme);
  const drawn = panelsOf(kind, view).map((panel) => ({
    ...panel,
    svg: svgOf(OPTIONS[panel.kind](view, looks, panel.mostAgents), panel),
  }));
  const fonts = join(dirname(fileURLToPath(import.meta.resolve("dejavu-fonts-ttf/package.json"))), "ttf");
  const picture = new Resvg(sheetOf(kind, view, drawn, looks), {
    fitTo: { mode: "width", value: WIDTH * SHARPNESS },
    font: {
      loadSystemFonts: false,
      fontFiles: ["DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"].map((file) => join(fonts, file)),
      defaultFontFamily: FONT,
    },
  });
  return picture.render().asPng();
}

function svgOf(option: EChartsCoreOption, size: { readonly width: number; readonly height: number }): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...size });
  try {
    chart.setOption(option);
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
