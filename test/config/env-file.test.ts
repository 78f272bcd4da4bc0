import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseEnv as parseEnvOfNode } from "node:util";
import { botTokenFrom } from "../../src/config/bot-token.ts";
import { parseEnv, readEnvFile, withEnvFile, writeEnvFile } from "../../src/config/env-file.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { configFolder } from "./folder.ts";

test("a .env text reads as Node reads it", () => {
  const texts = [
    "A=1\nB = 2 \n",
    "A=a#b\nB=a # b",
    "export A=3",
    "A='x # y' # c",
    'A="x\\ny\\tz"\nB="C:\\temp"',
    "A='multi\nline'\nB=2",
    "A=`q'\"`",
    'A="unclosed\nB=2',
    "A=\nB=1\n#C=3",
    "A=1\r\nB=2\r\n",
    "A==b=c\nA=later",
    "A=it's\nB=don't",
  ];
  for (const text of texts) assert.deepEqual({ ...parseEnv(text) }, { ...parseEnvOfNode(text) }, text);
});

test("the environment wins over the file, and no file is an empty one", (t) => {
  const { root } = configFolder(t, {});
  writeFileSync(join(root, ".env"), "A=file\nB=file\nC=file\n");
  assert.deepEqual(withEnvFile({ A: "environment", B: "", D: undefined }, readEnvFile(join(root, ".env"))), {
    A: "environment",
    B: "",
    C: "file",
  });
  assert.deepEqual(readEnvFile(join(root, "nowhere", ".env")), {});
});

test("writing sets the given variables with mode 0600 and keeps every other line", (t) => {
  const { root } = configFolder(t, {});
  const file = join(root, ".env");
  writeFileSync(file, "# my notes\nDISCORD_TOKEN=old # from June\n\nOTHER='keep me'\n# GUILD_ID=1");
  chmodSync(file, 0o644);
  writeEnvFile(file, { DISCORD_TOKEN: "a.b-c_d", GUILD_ID: "1471858733452890132" });
  assert.equal(
    readFileSync(file, "utf8"),
    "# my notes\nDISCORD_TOKEN=a.b-c_d\n\nOTHER='keep me'\n# GUILD_ID=1\nGUILD_ID=1471858733452890132\n",
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(root).filter((name) => name.includes("tmp")),
    [],
  );
});

test("whatever can be written reads back the same, and what cannot is refused without its value", (t) => {
  const { root } = configFolder(t, {});
  const file = join(root, ".env");
  for (const value of [
    "",
    "plain",
    "two words",
    "a#b",
    "it's",
    'say "hi"',
    "`tick`",
    "it's a `tick`",
    "$HOME",
    "back\\nslash",
  ]) {
    writeEnvFile(file, { VALUE: value });
    assert.equal(readEnvFile(file)["VALUE"], value);
  }
  for (const value of ["line\nbreak", "'`\"", "it's a `tick` and \\n"]) {
    assert.throws(
      () => writeEnvFile(file, { VALUE: value }),
      (thrown) => isRefusal(thrown) && !thrown.message.includes(value),
    );
  }
});

test("a .env that is a symbolic link stays one", (t) => {
  const { root } = configFolder(t, {});
  writeFileSync(join(root, "real.env"), "A=1\n");
  symlinkSync("real.env", join(root, ".env"));
  writeEnvFile(join(root, ".env"), { A: "2" });
  assert.equal(readFileSync(join(root, "real.env"), "utf8"), "A=2\n");
});

test("the newest name of the bot token wins, and the oldest comes with a notice", () => {
  assert.equal(botTokenFrom({}), undefined);
  assert.equal(botTokenFrom({ DISCORD_TOKEN: "  " }), undefined);
  const both = { CHIP_TOKEN: "c", ORCHESTRATOR_AGENT_TOKEN: "o" };
  assert.deepEqual(botTokenFrom(both), { token: "o", variable: "ORCHESTRATOR_AGENT_TOKEN" });
  assert.equal(botTokenFrom({ ...both, DISCORD_TOKEN: "d" })?.token, "d");
  assert.match(botTokenFrom({ CHIP_TOKEN: "c" })?.notice ?? "", /rename it to DISCORD_TOKEN/);
});
