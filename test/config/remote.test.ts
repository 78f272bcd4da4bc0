import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { checkConfig } from "../../src/config/check.ts";
import { configFolder, loaded, refused, spoken } from "./folder.ts";

const agents = (...lines: readonly string[]) => ({ "agents.yaml": `agents:\n  ${lines.join("\n  ")}\n` });

test("http to another machine is refused unless it is allowed, and then it is warned of", (t) => {
  assert.deepEqual(refused(t, agents("far: { url: 'http://10.0.0.7:18800', handoff_via: rest }")), [
    "agents.yaml:2:15 agents.far.url: shows the token and every prompt to whoever is on the way (use https:// (with ca_file for certificates of your own), or add insecure: true)",
  ]);
  const files = agents("far: { url: 'http://10.0.0.7:18800', insecure: true, handoff_via: rest }");
  const hq = { "hq.yaml": "api: { public_url: 'https://hq.example.org' }\n" };
  const { warnings } = loaded(t, { ...files, ...hq });
  assert.match(warnings.map(spoken).join("\n"), /agents\.far\.insecure: the token and every prompt go over/);
  for (const host of ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
    loaded(t, agents(`near: { url: 'http://${host}:18800' }`));
});

test("a ca_file is for https, and one that cannot be used is warned of", (t) => {
  assert.match(
    refused(t, agents("near: { port: 18800, ca_file: ca.pem }")).join(),
    /agents\.near\.ca_file: is for https, and this address is not \(use url: https/,
  );
  const { dir, place } = configFolder(
    t,
    agents(
      "one: { url: 'https://a.example', ca_file: ca.pem, handoff_via: rest }",
      `two: { url: 'https://b.example', ca_file: none.pem, handoff_via: rest }`,
    ),
  );
  writeFileSync(join(place.installation, "ca.pem"), "nothing\n");
  const checked = checkConfig(place);
  const said = checked.warnings.map(({ path, message }) => `${path}: ${message}`).join("\n");
  assert.ok(checked.ok, dir);
  assert.equal(checked.config.registry.find("one")?.caFile, join(place.installation, "ca.pem"));
  assert.match(said, /agents\.one\.ca_file: \S+ca\.pem holds no certificate: one counts as down/);
  assert.match(said, /agents\.two\.ca_file: \S+none\.pem cannot be read: two counts as down/);
});

test("an agent on another machine that could give nothing back is warned of", (t) => {
  const said = (files: Record<string, string>) => loaded(t, files).warnings.map(spoken).join("\n");
  const rest = agents("far: { url: 'https://a.example', handoff_via: rest }");
  assert.match(said(rest), /handoff_via: the prompt would name 127\.0\.0\.1.*set api\.public_url/);
  const named = { ...rest, "hq.yaml": "api: { public_url: 'https://hq.example.org' }\n" };
  assert.doesNotMatch(said(named), /public_url|127\.0\.0\.1/);
  assert.match(
    said(agents("far: { url: 'https://a.example' }")),
    /url: it is on another machine.*handoff_via: rest/,
  );
  assert.doesNotMatch(
    said(agents("far: { url: 'https://a.example', handoff_dir: /mnt/h }")),
    /another machine/,
  );
});

test("the door opens to other machines only for names that are answered there", (t) => {
  const of = (api: string) => ({ "hq.yaml": `api: ${api}\n` });
  assert.match(
    refused(t, of("{ host: 0.0.0.0 }")).join(),
    /api\.host: is reachable from other machines, and answers to no name there \(add api\.public_url/,
  );
  loaded(t, of("{ host: 10.0.0.5, allowed_hosts: [10.0.0.5] }"));
  loaded(t, of("{ host: 127.0.0.2 }"));
  const { config } = loaded(t, of("{ public_url: 'https://hq.example.org' }"));
  assert.equal(config.settings.api.publicUrl, "https://hq.example.org");
  for (const url of ["hq.example.org", "https://hq.example.org/hq", "ftp://hq.example.org"])
    assert.match(refused(t, of(`{ public_url: '${url}' }`)).join(), /must be an address without a path/);
});

test("files of one attempt together may not be less than one of them", (t) => {
  assert.match(
    refused(t, { "hq.yaml": "handoffs: { upload_max: 20MiB, upload_max_total: 10MiB }\n" }).join(),
    /handoffs\.upload_max_total: is less than upload_max.*use 20971520 or more/,
  );
});
