import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";

const OPTIONAL = "x-optional-body";

type Operation = { requestBody?: { required?: boolean }; [OPTIONAL]?: true };

/** How the OpenAPI document is made of the routes. */
export function documentOf(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Atomizer HQ",
        version,
        description:
          "Delegate work to agents, run workflows of them, post tasks to the queue, and read what comes back. Instants are epoch milliseconds; errors are application/problem+json with a stable code.",
      },
      security: [{ key: [] }],
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    },
    transform(route) {
      const { schema, url } = jsonSchemaTransform(route);
      const isOptional = mayBeLeftOut((route.schema as { readonly body?: unknown } | undefined)?.body);
      return { url, schema: isOptional ? { ...schema, [OPTIONAL]: true } : schema };
    },
    // The library says of every body that it is required.
    transformObject(made) {
      if (!("openapiObject" in made)) return made.swaggerObject;
      for (const methods of Object.values(made.openapiObject.paths ?? {})) {
        for (const operation of Object.values(methods ?? {}) as Operation[]) {
          if (operation[OPTIONAL] && operation.requestBody) operation.requestBody.required = false;
          delete operation[OPTIONAL];
        }
      }
      return made.openapiObject;
    },
  };
}

/** What takes anything is read by its verb, which needs something. */
function mayBeLeftOut(body: unknown): boolean {
  return body instanceof z.ZodType && !(body instanceof z.ZodUnknown) && body.safeParse(undefined).success;
}
