import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

type Value = {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
};
type Attribute = { readonly key: string; readonly value: Value };

export type SeenSpan = {
  readonly trace: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly failure: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
};

/** A collector: takes what is exported over HTTP as JSON, and tells it decoded. `answer` may refuse, `words` say more. */
export async function startCollector(answer: () => number = () => 200, words: () => object = () => ({})) {
  const spans: SeenSpan[] = [];
  const metrics: { readonly name: string; readonly points: readonly any[] }[] = [];
  const resources: Readonly<Record<string, unknown>>[] = [];
  const bodies: string[] = [];
  const listeners = new Set<() => void>();
  let refused = 0;

  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const status = answer();
      if (status === 200) take(request.url ?? "", text);
      else refused++;
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(words()));
      for (const listener of listeners) listener();
    });
  });

  function take(path: string, text: string): void {
    bodies.push(text);
    const body = JSON.parse(text);
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      resources.push(valuesOf(resource.attributes));
      for (const { spans: some } of scopeSpans) spans.push(...some.map(spanOf));
    }
    if (!path.endsWith("/v1/metrics")) return;
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const { metrics: some } of scopeMetrics) {
        for (const { name, sum, gauge, histogram } of some)
          metrics.push({ name, points: (sum ?? gauge ?? histogram).dataPoints });
      }
    }
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    metrics,
    resources,
    bodies,
    refused: () => refused,
    /** Resolves as soon as what arrived satisfies it. */
    until: (isThere: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!isThere()) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

function valuesOf(attributes: readonly Attribute[] = []): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

function spanOf(span: any): SeenSpan {
  return {
    trace: span.traceId,
    id: span.spanId,
    parent: span.parentSpanId || undefined,
    name: span.name,
    fromMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    toMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    failure: span.status?.code === 2 ? (span.status.message ?? "") : undefined,
    attributes: valuesOf(span.attributes),
  };
}
