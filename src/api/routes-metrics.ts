import { z } from "zod";
import { CHART_KINDS, CHART_THEMES, type MetricsQuery } from "../domain/metrics-types.ts";
import { parseDuration } from "../kernel/time.ts";
import { BASE } from "./auth.ts";
import { word } from "./inputs.ts";
import { metricsOut, pngOut, promOut } from "./metrics-outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

/** Ten years ago is as good as always. */
const LONGEST_BACK_MS = 3660 * 86_400_000;
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

const back = z
  .string()
  .transform((said, context) => {
    const ms = parseDuration(said);
    if (ms !== undefined && ms > 0 && ms <= LONGEST_BACK_MS) return ms;
    context.addIssue({ code: "custom", message: "a span like 90m, 24h or 7d, at most ten years" });
    return z.NEVER;
  })
  .describe("How far back: 90m, 24h, 7d; default everything there ever was");

const query = {
  since: back.optional(),
  agent: word.optional().describe("Only of this one: id, alias or letter"),
  workflow: word.optional().describe("Only of this one"),
};
const metricsQuery = z.strictObject(query);
const chartQuery = z.strictObject({
  ...query,
  kind: z.enum(CHART_KINDS).optional().describe("Default overview"),
  theme: z.enum(CHART_THEMES).optional().describe("Default dark"),
});

export function metricsRoutes(app: ApiApp, { verbs }: Door): void {
  const tags = ["metrics"];
  const { metrics } = verbs;

  app.get(
    `${BASE}/metrics`,
    {
      schema: {
        tags,
        summary: "What ended, by status, agent, workflow and hour, how long it took, and how it stands",
        querystring: metricsQuery,
        response: { 200: metricsOut, ...REFUSED },
      },
    },
    async (request) => metrics.read(wanted(request.query)),
  );

  for (const url of [`${BASE}/metrics/prom`, "/metrics"]) {
    app.get(
      url,
      {
        schema: {
          tags,
          summary: "The same for Prometheus, since the beginning",
          hide: url === "/metrics",
          response: { 200: promOut, ...REFUSED },
        },
      },
      async (_, reply) => reply.type(PROMETHEUS).send(await metrics.exposition()),
    );
  }

  app.get(
    `${BASE}/metrics/chart.png`,
    {
      schema: {
        tags,
        summary: "A picture of them",
        querystring: chartQuery,
        response: { 200: pngOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const { kind = "overview", theme = "dark", ...rest } = request.query;
      const png = await metrics.chart(kind, wanted(rest), theme);
      return reply.type("image/png").send(Buffer.from(png));
    },
  );
}

function wanted({ since, agent, workflow }: z.infer<typeof metricsQuery>): MetricsQuery {
  return {
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
  };
}
