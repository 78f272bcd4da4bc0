import type { Part } from "../kernel/lifecycle.ts";
import type { TelemetryDeps } from "../telemetry/otel.ts";
import { wantedSignals } from "../telemetry/otel-wanted.ts";

/** The export by OpenTelemetry, when its standard variables ask for it; without them nothing of it is loaded. */
export async function telemetryPart(deps: Omit<TelemetryDeps, "wanted">): Promise<Part | undefined> {
  const wanted = wantedSignals(deps.env);
  if (!wanted.traces && !wanted.metrics) return undefined;
  const { createTelemetry } = await import("../telemetry/otel.ts");
  return createTelemetry({ ...deps, wanted });
}
