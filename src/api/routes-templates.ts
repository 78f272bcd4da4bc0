import { z } from "zod";
import type { TemplateField } from "../domain/templates/template-types.ts";
import { TEMPLATES } from "../domain/templates/templates.ts";
import { BASE } from "./auth.ts";
import { shows } from "./outputs.ts";
import { type ApiApp, REFUSED } from "./parts.ts";

type Listed = {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly TemplateField[];
};

const templatesOut = shows<{ readonly items: readonly Listed[] }>(
  z.object({
    items: z.array(
      z.looseObject({
        name: z.string(),
        description: z.string(),
        fields: z.array(
          z.looseObject({
            name: z.string(),
            type: z.enum(["text", "list", "number", "choice", "schema"]),
            required: z.boolean(),
            description: z.string(),
            default: z.unknown().optional(),
            options: z.array(z.string()).optional(),
          }),
        ),
      }),
    ),
  }),
);

export function templateRoutes(app: ApiApp): void {
  app.get(
    `${BASE}/templates`,
    {
      schema: {
        tags: ["workflows"],
        summary: "The task templates that steps can name, with their fields",
        response: { 200: templatesOut, ...REFUSED },
      },
    },
    async () => ({
      items: TEMPLATES.map(({ name, description, fields }) => ({ name, description, fields })),
    }),
  );
}
