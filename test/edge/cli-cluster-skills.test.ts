import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { hq, INSTALLATION } from "./cli-harness.ts";
import { newCluster } from "./cluster-fixture.ts";

const SKILLS = readdirSync(join(INSTALLATION, "skills")).toSorted();
const textOf = (name: string) => readFileSync(join(INSTALLATION, "skills", name, "SKILL.md"), "utf8");
const agents = { manager: {}, "tech-lead": {}, optimizer: {}, webster: {} };

test("install links every skill into the workspaces of those named, again is nothing new, remove takes them away", async (t) => {
  const { run, root, dir } = await newCluster(t, { agents });
  const path = (id: string, name: string) => join(dir, "workspaces", id, "skills", name);
  const first = await run(["cluster", "skills", "install", "manager", "tech-lead", "optimizer"]);
  assert.equal(first.code, 0, first.err);
  for (const id of ["manager", "tech-lead", "optimizer"])
    for (const name of SKILLS) {
      assert.equal(readlinkSync(path(id, name)), join(root, "skills", name));
      assert.ok(existsSync(join(path(id, name), "SKILL.md")));
    }
  assert.equal(existsSync(path("webster", "delegate")), false);
  const again = await run(["cluster", "skills", "install", "manager", "--json"]);
  const rows = JSON.parse(again.out) as { state: string }[];
  assert.deepEqual([...new Set(rows.map(({ state }) => state))], ["was linked"]);
  const listed = await run(["cluster", "skills", "list", "--skill", "delegate"]);
  assert.match(listed.out, /manager +delegate +linked[^]*webster +delegate +absent/);
  const removed = await run(["cluster", "skills", "remove", "manager", "--skill", "delegate"]);
  assert.equal(removed.code, 0);
  assert.equal(existsSync(path("manager", "delegate")), false);
  assert.ok(existsSync(path("manager", "orchestrator")));
});

test("a folder or link of people is never replaced and never removed; a link into an installation that is gone is", async (t) => {
  const { run, root, dir } = await newCluster(t, { agents });
  const skills = join(dir, "workspaces", "manager", "skills");
  mkdirSync(join(skills, "delegate"), { recursive: true });
  writeFileSync(join(skills, "delegate", "SKILL.md"), "mine");
  symlinkSync("/opt/former-hq/skills/orchestrator", join(skills, "orchestrator"));
  const { code, out } = await run(["cluster", "skills", "install", "manager"]);
  assert.equal(code, 3);
  assert.match(out, /manager +delegate +refused: something else lies there/);
  assert.equal(readFileSync(join(skills, "delegate", "SKILL.md"), "utf8"), "mine");
  assert.equal(readlinkSync(join(skills, "orchestrator")), join(root, "skills", "orchestrator"));
  assert.equal((await run(["cluster", "skills", "remove", "manager"])).code, 3);
  assert.ok(lstatSync(join(skills, "delegate")).isDirectory());
  rmSync(join(skills, "delegate"), { recursive: true });
  symlinkSync(root, join(skills, "delegate"));
  assert.equal((await run(["cluster", "skills", "install", "manager", "--skill", "delegate"])).code, 3);
  const unknown = await run(["cluster", "skills", "install", "manager", "--skill", "fly"]);
  assert.deepEqual([unknown.code, /There are: delegate/.test(unknown.err)], [2, true]);
});

test("init names the links as skills of the gateway, whether they are there or not", async (t) => {
  const { run, place, dir } = await newCluster(t);
  await run(["cluster", "init", "webster"]);
  const { skills } = JSON.parse(readFileSync(place("webster").config, "utf8")) as {
    skills: { load: { extraDirs: string[] } };
  };
  assert.deepEqual(
    skills.load.extraDirs,
    SKILLS.map((name) => join(dir, "workspaces", "webster", "skills", name)),
  );
});

test("every skill has a name and a description, and each line that it teaches is a command with flags that exist", async () => {
  assert.ok(SKILLS.includes("delegate") && SKILLS.includes("orchestrator"));
  for (const skill of SKILLS) {
    const text = textOf(skill);
    const [, head = ""] = /^---\n([^]*?)\n---\n/.exec(text) ?? [];
    assert.match(head, new RegExp(`^name: ${skill}$`, "m"));
    assert.match(head, /^description: .{20,}$/m);
    const lines = [...text.matchAll(/```bash\n([^]*?)```/g)].flatMap(([, block = ""]) =>
      block.trim().split("\n"),
    );
    assert.ok(lines.length > 3);
    for (const line of lines) {
      assert.match(line, /^hq /, line);
      const words = line.split(" ").slice(1);
      const [group = "", verb = ""] = words;
      const command = ["sessions", "agents", "acl", "workflow", "queue"].includes(group)
        ? [group, verb]
        : [group];
      const { code, out } = await hq([...command, "--help"]);
      assert.equal(code, 0, line);
      for (const [flag] of line.matchAll(/--[a-z-]+/g)) assert.ok(out.includes(flag), `${line}: ${flag}`);
    }
  }
});

test("the exit codes of the delegate skill are those of the command", () => {
  const codes = [...textOf("delegate").matchAll(/^\| (\d) \|/gm)].map(([, code]) => code);
  assert.deepEqual(codes, ["0", "1", "2", "3", "4", "5"]);
});
