import type { RunTimeline } from "../domain/run-timeline.ts";
import type { Layout } from "./layout.ts";

/** A run as it is drawn: its steps with their places, and the lines between them. */
export type RunDrawing = Omit<RunTimeline, "steps"> &
  Pick<Layout, "layout" | "width" | "height" | "edges"> & {
    readonly nodes: readonly (RunTimeline["steps"][number] & {
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    })[];
  };

export function drawingOf({ steps, ...run }: RunTimeline, layout: Layout): RunDrawing {
  const { boxes, ...drawn } = layout;
  const nowhere = { x: 0, y: 0, width: 0, height: 0 };
  return { ...run, ...drawn, nodes: steps.map((step) => ({ ...step, ...(boxes.get(step.id) ?? nowhere) })) };
}
