import type { Meter } from "@opentelemetry/api";
import type { Log } from "../engine/ports/log.ts";
import { createTrouble } from "./otel-trouble.ts";
import type { Wanted } from "./otel-wanted.ts";
import type { SpanDraft } from "./spans.ts";

const SCOPE = "atomizer-hq";
/** Fewer than the SDK sends by itself, so that what we flush is what was emitted. */
const BATCH = 256;

export type Sdk = {
  /** Hands spans over; resolves when those that were too many at once are with the collector. */
  readonly emit: (drafts: readonly SpanDraft[]) => Promise<void>;
  /** Resolves when the collector has all that was emitted; rejects when it did not take it. */
  readonly flush: () => Promise<void>;
  readonly meter: Meter;
  /** To be called when figures are collected. */
  readonly noteCollected: () => void;
  readonly close: () => Promise<void>;
};

/** Loads the SDK and sets it up by the standard variables. Only called when one of them asks for it. */
export async function openSdk(deps: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly wanted: Wanted;
  readonly version: string;
  readonly log: Log;
}): Promise<Sdk> {
  const { wanted, version, log } = deps;
  const {
    diag,
    DiagLogLevel,
    metrics,
    ProxyTracerProvider,
    ROOT_CONTEXT,
    SpanStatusCode,
    trace,
    TraceFlags,
  } = await import("@opentelemetry/api");
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const trouble = createTrouble(log);
  let nextTrace = "";
  let nextSpan = "";
  const sdk = await withVariables(variablesOf(deps), () => {
    const made = new NodeSDK({
      idGenerator: { generateTraceId: () => nextTrace, generateSpanId: () => nextSpan },
      textMapPropagator: null,
      logRecordProcessors: [],
      ...(wanted.traces ? {} : { spanProcessors: [] }),
      ...(wanted.metrics ? {} : { metricReaders: [] }),
    });
    // Its parts say their name first, and what it is about only then.
    const say = (...parts: readonly unknown[]) => trouble.say(parts.map(textOf).join(" "));
    const silent = () => undefined;
    const logger = { error: say, warn: say, info: silent, debug: silent, verbose: silent };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    made.start();
    return made;
  });
  const proxy = trace.getTracerProvider();
  const provider = proxy instanceof ProxyTracerProvider ? proxy.getDelegate() : proxy;
  const flush = async () => {
    if (hasFlush(provider)) await provider.forceFlush();
  };
  const tracer = trace.getTracer(SCOPE, version);

  /** Whether a trace is wanted is asked of its top, for each of its spans alike; what asks is never ended, so never sent. */
  function isSampled(traceId: string, name: string): boolean {
    [nextTrace, nextSpan] = [traceId, traceId.slice(16)];
    const { traceFlags } = tracer.startSpan(name, { root: true }, ROOT_CONTEXT).spanContext();
    return (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  function emitOne(draft: SpanDraft): void {
    const { trace: traceId, id, parent, name, from, to, attributes, failure } = draft;
    if (parent !== undefined && !isSampled(traceId, name)) return;
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId,
            spanId: parent,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: true,
          });
    [nextTrace, nextSpan] = [traceId, id];
    const span = tracer.startSpan(name, { startTime: from, attributes: { ...attributes } }, context);
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end(Math.max(from, to));
  }

  return {
    async emit(drafts) {
      for (let i = 0; i < drafts.length; i += BATCH) {
        if (i > 0) await flush();
        for (const draft of drafts.slice(i, i + BATCH)) emitOne(draft);
      }
    },
    flush,
    meter: metrics.getMeter(SCOPE, version),
    noteCollected: trouble.noteCollected,
    async close() {
      try {
        await sdk.shutdown();
      } catch (error) {
        log.warn({ err: error }, "the last telemetry was not taken");
      }
      for (const api of [trace, metrics, diag]) api.disable();
    },
  };
}

function textOf(part: unknown): string {
  if (typeof part === "string") return part;
  return part instanceof Error ? part.message : (JSON.stringify(part) ?? "");
}

function hasFlush(provider: object): provider is { readonly forceFlush: () => Promise<void> } {
  return "forceFlush" in provider && typeof provider.forceFlush === "function";
}

/** What the SDK is to read: the standard variables, with our name and version where none are given. */
function variablesOf({ env, version }: Pick<Parameters<typeof openSdk>[0], "env" | "version">) {
  const given = Object.entries(env).filter(([name]) => name.startsWith("OTEL_"));
  const {
    OTEL_RESOURCE_ATTRIBUTES: attributes,
    OTEL_SERVICE_NAME: name,
    OTEL_NODE_RESOURCE_DETECTORS: detectors,
  } = env;
  const isNamed = name !== undefined || /(^|,)\s*service\.name=/.test(attributes ?? "");
  return {
    ...Object.fromEntries(given),
    ...(isNamed ? {} : { OTEL_SERVICE_NAME: SCOPE }),
    OTEL_RESOURCE_ATTRIBUTES: [`service.version=${version}`, ...(attributes ? [attributes] : [])].join(","),
    // The host's and the process's own would tell paths and arguments: they come only when they are asked for.
    OTEL_NODE_RESOURCE_DETECTORS: detectors ?? "env,serviceinstance",
  };
}

/** The SDK reads its settings from the process alone; ours may stand in .env, and children get none of them. */
async function withVariables<T>(
  variables: Readonly<Record<string, string | undefined>>,
  make: () => T,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = (values: readonly (readonly [string, string | undefined])[]) => {
    for (const [name, value] of values) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(Object.entries(variables));
  try {
    return make();
  } finally {
    set(before);
  }
}
