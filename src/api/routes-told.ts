import { BASE } from "./auth.ts";
import { idParams } from "./inputs.ts";
import { eventsOut, receiptsOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

/** What can be told of anything that people asked for: its history, and where it can be seen. */
export function toldRoutes(
  app: ApiApp,
  { verbs }: Door,
  told: {
    readonly tags: readonly string[];
    readonly path: "delegations" | "runs" | "tasks";
    /** Throws when there is none of that id. */
    readonly find: (id: string) => Promise<{ readonly id: string }>;
  },
): void {
  const tags = [...told.tags];

  app.get(
    `${BASE}/${told.path}/:id/history`,
    {
      schema: {
        tags,
        summary: "Everything that happened to it, oldest first",
        params: idParams,
        response: { 200: eventsOut, ...REFUSED },
      },
    },
    async (request) => {
      const { id } = await told.find(request.params.id);
      return { items: await verbs.history(id) };
    },
  );

  app.get(
    `${BASE}/${told.path}/:id/receipts`,
    {
      schema: {
        tags,
        summary: "The Discord messages in which people can see it",
        params: idParams,
        response: { 200: receiptsOut, ...REFUSED },
      },
    },
    async (request) => {
      const { id } = await told.find(request.params.id);
      return { items: await verbs.receipts(id) };
    },
  );
}
