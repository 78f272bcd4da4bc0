import { Worker } from "node:worker_threads";
import type { ChartKind, ChartTheme, MetricsView } from "../domain/metrics-types.ts";
import type { Pictures } from "../engine/ports/pictures.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import { prometheusText } from "./prometheus.ts";

const DRAWN_WITHIN_MS = 20_000;

/**
 * Pictures are drawn one at a time, each in a thread of its own that ends with it: what drawing needs is loaded late,
 * is given back, and keeps nobody waiting meanwhile.
 */
export function createPictures(): Pictures {
  const oneByOne = createOneByOne();
  return {
    chart: (kind, view, theme) => oneByOne(() => draw(kind, view, theme)),
    exposition: prometheusText,
  };
}

function draw(kind: ChartKind, view: MetricsView, theme: ChartTheme): Promise<Uint8Array> {
  return new Promise<Uint8Array>((resolve, reject) => {
    const worker = new Worker(new URL("chart-worker.ts", import.meta.url), {
      workerData: { kind, view, theme },
      env: {},
    });
    const timer = setTimeout(() => {
      reject(new Error(`the picture was not drawn within ${DRAWN_WITHIN_MS / 1000} s`));
      void worker.terminate();
    }, DRAWN_WITHIN_MS);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`the thread that draws ended with ${code} and no picture`));
    });
  });
}
