import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Command } from "commander";
import { registerCommands } from "../../src/cli/commands.ts";
import type { Hq } from "../../src/cli/hq.ts";
import { registerStart } from "../../src/cli/start.ts";
import { hq, openDesk, temporaryFolder } from "./cli-harness.ts";

type Leaf = { readonly words: readonly string[]; readonly flags: readonly string[] };
type Said = {
  readonly status: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly problems?: readonly { readonly path: string }[];
};

/** Every command that can be called, by its words. */
function leaves(): readonly Leaf[] {
  const program = new Command("hq");
  const none = { client: () => undefined, io: { env: {} } } as unknown as Hq;
  registerStart(program, none);
  registerCommands(program, none);
  const under = (command: Command, words: readonly string[]): readonly Leaf[] =>
    command.commands.length > 0
      ? command.commands.flatMap((one) => under(one, [...words, one.name()]))
      : [{ words, flags: command.options.map(({ long }) => long ?? "") }];
  return under(program, []);
}

/** The one line of JSON that stands on stderr. */
function onlyJson(err: string, what: string): Said {
  assert.match(err, /^\{.*\}\n$/, what);
  const said = JSON.parse(err) as Said;
  assert.equal(said.status, "error", what);
  return said;
}

test("with --json every command says in JSON what is wrong with its flags", async () => {
  const all = leaves();
  assert.ok(all.length > 90, `${all.length} commands`);
  for (const { words } of all) {
    const { code, out, err } = await hq([...words, "--no-such-flag", "--json"]);
    const what = words.join(" ");
    assert.deepEqual([code, out], [2, ""], what);
    const { message, hint = "", code: name } = onlyJson(err, what);
    assert.equal(name, words[0] === "batch" ? "INVALID_INPUT" : "invalid_input", what);
    assert.match(message, /^(unknown option '--no-such-flag'|required option '--)/, what);
    assert.match(hint, /`hq .*--help` explains each part\.$/, what);
  }
});

test("batches say it in JSON without being asked; others in words", async () => {
  const { err } = await hq(["batch", "update"]);
  const { code, message } = onlyJson(err, "batch update");
  assert.deepEqual([code, message], ["INVALID_INPUT", "required option '--id <workflow>' not specified"]);
  assert.equal((await hq(["ledger", "update"])).err, err, "also under its old name");
  assert.match((await hq(["batch"])).err, /^Usage: hq batch/);
  assert.match((await hq(["wait"])).err, /^error: missing required argument 'id'\nUsage: hq wait/);
  const words = await hq(["wait", "--", "--json", "x"]);
  assert.match(words.err, /^error: too many arguments/, "behind -- it is no flag");
});

test("with --json a refusal is one line of JSON, with its code, hint and problems", async (t) => {
  const desk = await openDesk(t);
  const refused = await desk.hq("status", "orch-0099", "--json");
  assert.equal(refused.code, 2);
  const said = onlyJson(refused.err, "status");
  assert.deepEqual(
    [said.code, said.message],
    ["not_found", "There is no delegation, run or task orch-0099."],
  );
  const wrong = onlyJson((await desk.hq("acl", "explain", "", "", "--json")).err, "acl explain");
  assert.deepEqual(
    wrong.problems?.map(({ path }) => path),
    ["caller", "target"],
  );
  const away = await hq(["agents", "list", "--json"], {
    env: { HQ_HOME: join(temporaryFolder(t), "none") },
  });
  assert.deepEqual([away.code, onlyJson(away.err, "agents list").code], [5, "no_supervisor"]);
  const start = await hq(["start", "--port", "65536", "--json"]);
  assert.match(onlyJson(start.err, "start").message, /'65536' is invalid/);
});

test("what somebody typed comes back without what steers a terminal", async () => {
  const { code, err } = await hq(["\u001b[31mstatus"]);
  assert.equal(code, 2);
  assert.match(err, /unknown command '.*status'/);
  assert.ok(!err.includes("\u001b"), JSON.stringify(err));
});

test("a cursor that is empty, as of a variable that nobody set, is refused and is not the first page", async (t) => {
  const desk = await openDesk(t);
  for (const list of ["status", "queue list", "workflow status"]) {
    const { code, out, err } = await desk.hq(...list.split(" "), "--before", "");
    assert.deepEqual([code, out], [2, ""], list);
    assert.match(err, /is no cursor of a list/, list);
  }
});

test("a flag and its opposite are refused together by every command that has both", async () => {
  let pairs = 0;
  for (const { words, flags } of leaves()) {
    for (const no of flags.filter((flag) => flag.startsWith("--no-"))) {
      const yes = no.replace("--no-", "--");
      if (!flags.includes(yes)) continue;
      pairs++;
      for (const both of [
        [yes, no],
        [no, yes],
      ]) {
        const { code, err } = await hq([...words, ...both]);
        assert.equal(code, 2, [...words, ...both].join(" "));
        assert.ok(err.startsWith(`error: option '${yes}' cannot be used with option '${no}'\n`), err);
      }
    }
  }
  assert.ok(pairs >= 5, `${pairs} pairs`);
});

test("whoever gives an id that nothing has reads what ids look like and which commands show them", async (t) => {
  const desk = await openDesk(t);
  for (const command of ["wait", "status", "cancel", "logs"]) {
    for (const [id, what] of [
      ["nope", "There is no delegation, run or task nope."],
      ["", "The id is empty."],
    ] as const) {
      const { code, err } = await desk.hq(command, id);
      assert.equal(code, 2, `${command} ${id}`);
      const said = err.split("\n");
      assert.equal(said[0], `hq: ${what}`, command);
      assert.match(said[1] ?? "", /orch-\w{19} .*wf-… .*task-….*`hq status`.*`hq queue list`/, command);
    }
  }
});

test("the token of a run from a variable that is not set is refused: the operator would ask, in no run", async (t) => {
  const desk = await openDesk(t);
  const { code, err } = await desk.hq("delegate", "webster", "x", "--no-wait", "--token", "");
  assert.equal(code, 2);
  assert.match(err, /--token <token>' argument '' is invalid\. It is empty: is the variable set/);
  assert.equal(desk.door.requests.length, 0);
});

test("a key that the supervisor does not know is named by where it came from, with where to find the right one", async (t) => {
  const desk = await openDesk(t);
  const said = async (env: Record<string, string>, ...flags: string[]) => {
    const ran = await hq(["delegate", "webster", "x", ...flags], { env: { HQ_HOME: desk.home, ...env } });
    assert.equal(ran.code, 3);
    return ran.err;
  };
  assert.match(
    await said({}, "--token", "wrong"),
    /The supervisor does not know the key in --token\.\n.*prompt/,
  );
  assert.match(await said({ HQ_RUN_TOKEN: "wrong" }), /does not know the key in HQ_RUN_TOKEN\.\n.*prompt/);
  assert.match(
    await said({ HQ_AGENT_TOKEN: "wrong" }),
    /does not know the key in HQ_AGENT_TOKEN\.\n.*`hq agents key <id>`/,
  );
  const wrong = await said({ ORCHESTRATOR_API_KEY: "wrong" });
  assert.match(wrong, /does not know the key in ORCHESTRATOR_API_KEY\.\n/);
  assert.ok(wrong.includes(join(desk.home, "api.key")), wrong);
  const path = join(desk.home, "api.key");
  writeFileSync(path, "wrong\n");
  const kept = await said({});
  assert.ok(
    kept.includes(
      `does not know the key in ${path}.\nThe supervisor was started with an ORCHESTRATOR_API_KEY`,
    ),
    kept,
  );
  const installation = temporaryFolder(t);
  const file = join(installation, ".env");
  writeFileSync(join(installation, "package.json"), '{ "version": "0.0.0" }');
  writeFileSync(file, "ORCHESTRATOR_API_KEY=wrong\n", { mode: 0o600 });
  const inFile = await hq(["delegate", "webster", "x"], { env: { HQ_HOME: desk.home }, installation });
  assert.ok(inFile.err.includes(`does not know the key in ${file}.\nThe right one is the ORCH`), inFile.err);
});
