type Env = Readonly<Record<string, string | undefined>>;

/** Which signals are exported, by the standard variables of OpenTelemetry. Logs stay in our own log file. */
export type Wanted = { readonly traces: boolean; readonly metrics: boolean };

/**
 * A signal is exported when its exporter is named, or when there is an address for it. Nothing set = nothing is
 * loaded. `OTEL_SDK_DISABLED=true` and the exporter `none` switch off.
 */
export function wantedSignals(env: Env): Wanted {
  const isOff = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true";
  const isOn = (signal: "TRACES" | "METRICS") => {
    const exporter = env[`OTEL_${signal}_EXPORTER`]?.trim();
    if (exporter) return !exporter.split(",").some((name) => name.trim() === "none");
    return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
  };
  return { traces: !isOff && isOn("TRACES"), metrics: !isOff && isOn("METRICS") };
}
