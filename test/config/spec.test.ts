import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { z } from "zod";
import { agentSchema } from "../../src/config/agents-schema.ts";
import { hqSchema } from "../../src/config/hq-schema.ts";
import { loaded } from "./folder.ts";

const spec = readFileSync(join(import.meta.dirname, "../../docs/specs/config.md"), "utf8");

test("the examples of the specification are one valid configuration without doubts", (t) => {
  const examples = [...spec.matchAll(/^```yaml (\S+)\n([\s\S]*?)^```/gm)];
  const files = Object.fromEntries(examples.map(([, name, text]) => [name ?? "", text ?? ""]));
  assert.deepEqual(Object.keys(files).sort(), ["acl.yaml", "agents.yaml", "channels.yaml", "hq.yaml"]);
  const { config, warnings } = loaded(t, files);
  assert.deepEqual(warnings, []);
  assert.equal(config.settings.delegation.timeoutMs, 1_200_000);
  assert.equal(config.registry.find("technical-lead")?.id, "tech-lead");
});

test("the specification names every key of hq.yaml and of an agent", () => {
  const json = z.toJSONSchema(hqSchema, { io: "input" });
  for (const [section, body] of Object.entries(json.properties ?? {})) {
    for (const key of Object.keys((body as { properties: object }).properties))
      assert.ok(spec.includes(`\`${section}.${key}\``), `${section}.${key}`);
  }
  for (const key of Object.keys(agentSchema.shape)) assert.ok(spec.includes(`\`${key}\``), key);
});
