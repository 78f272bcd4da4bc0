import { parentPort, workerData } from "node:worker_threads";
import type { ChartKind, ChartTheme, MetricsView } from "../domain/metrics-types.ts";
import { drawChart } from "./chart-draw.ts";

/** A thread that draws one picture and ends. */
type Wanted = { readonly kind: ChartKind; readonly view: MetricsView; readonly theme: ChartTheme };

const { kind, view, theme } = workerData as Wanted;
parentPort?.postMessage(drawChart(kind, view, theme));
