import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { writeChannels } from "../../src/config/channels-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { configFolder } from "./folder.ts";

test("writing channels keeps comments, order and what it does not know", (t) => {
  const { dir, place } = configFolder(t, {
    "channels.yaml":
      "# ours\nroles:\n  results: results # in full\n  approvals: ceo-office\nids:\n  old: '123456789012345678'\n# who may be read\ncontextable: [technical]\n",
  });
  const file = join(dir, "channels.yaml");
  writeChannels(file, {
    roles: { results: "ergebnisse" },
    ids: { ergebnisse: "223456789012345678", technical: "323456789012345678" },
  });
  assert.equal(
    readFileSync(file, "utf8"),
    '# ours\nroles:\n  results: ergebnisse # in full\n  approvals: ceo-office\nids:\n  ergebnisse: "223456789012345678"\n  technical: "323456789012345678"\n# who may be read\ncontextable: [technical]\n',
  );
  const loaded = loadConfig(place);
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.settings.channels.ids, {
    ergebnisse: "223456789012345678",
    technical: "323456789012345678",
  });
});

test("a file that is not there is made, with its schema named", (t) => {
  const { dir, place } = configFolder(t, {});
  writeChannels(join(dir, "channels.yaml"), { roles: { results: "out" }, ids: {} });
  assert.match(readFileSync(join(dir, "channels.yaml"), "utf8"), /^# yaml-language-server: \$schema=/);
  const loaded = loadConfig(place);
  assert.ok(loaded.ok);
  assert.equal(loaded.config.settings.channels.roles.results, "out");
});

test("a broken file is left as it is", (t) => {
  const { dir } = configFolder(t, { "channels.yaml": "roles: [\n" });
  assert.throws(() => writeChannels(join(dir, "channels.yaml"), { roles: {}, ids: {} }), isRefusal);
  assert.equal(readFileSync(join(dir, "channels.yaml"), "utf8"), "roles: [\n");
});
