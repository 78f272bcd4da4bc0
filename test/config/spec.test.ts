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

type Shape = { readonly properties?: Readonly<Record<string, Shape>>; readonly items?: Shape };

test("the specification names every key of hq.yaml and of an agent", () => {
  const json = z.toJSONSchema(hqSchema, { io: "input" }) as Shape;
  for (const [section, { properties, items }] of Object.entries(json.properties ?? {})) {
    for (const key of Object.keys(properties ?? {}))
      assert.ok(spec.includes(`\`${section}.${key}\``), `${section}.${key}`);
    if (properties) continue;
    assert.ok(spec.includes(`\`${section}\``), section);
    if (!items) continue;
    const listed = Object.entries(items?.properties ?? {});
    assert.ok(listed.length > 0, `${section} is a list of something with keys`);
    for (const [key, inner] of listed)
      for (const name of [key, ...Object.keys(inner.properties ?? {})])
        assert.ok(spec.includes(`\`${name}\``), `${section}: ${name}`);
  }
  for (const key of Object.keys(agentSchema.shape)) assert.ok(spec.includes(`\`${key}\``), key);
});
