// Writes config/schema/*.json: `node src/config/write-schemas.ts`, after a change of a schema.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderSchemas } from "./schemas.ts";

const folder = join(import.meta.dirname, "..", "..", "config", "schema");
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(renderSchemas())) writeFileSync(join(folder, name), text);
