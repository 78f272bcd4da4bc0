import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cleanEnv, ROOT, type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const folder = temporaryFolder();
const home = join(folder.path, "home");
const bin = join(folder.path, "bin");
let supervisor: Supervisor;
let env: Record<string, string>;

/** What the seed's examples need and this machine may lack: `requests`, as far as they use it. */
const REQUESTS = `
import json as _json, urllib.error, urllib.request
class HTTPError(Exception): pass
class exceptions: HTTPError = HTTPError
class Response:
    def __init__(self, status, body): self.status_code, self._body = status, body
    def json(self): return _json.loads(self._body)
    def raise_for_status(self):
        if self.status_code >= 400: raise HTTPError(f"{self.status_code}")
def post(url, json=None, headers=None):
    data = _json.dumps(json).encode()
    request = urllib.request.Request(url, data=data, headers={**(headers or {}), "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer: return Response(answer.status, answer.read())
    except urllib.error.HTTPError as error: return Response(error.code, error.read())
`;

before(async () => {
  mkdirSync(bin);
  writeFileSync(join(bin, "requests.py"), REQUESTS);
  const hq = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "bin/hq.js")}' "$@"\n`;
  writeFileSync(join(bin, "hq"), hq, { mode: 0o755 });
  const openclaw = `#!/bin/sh\nshift\nexec '${join(ROOT, "compat/orchestrator")}' "$@"\n`;
  writeFileSync(join(bin, "openclaw"), openclaw, { mode: 0o755 });
  supervisor = await startSupervisor(home);
  env = cleanEnv({
    HQ_HOME: home,
    HQ_API: supervisor.ready.api,
    ORCHESTRATOR_API_KEY: readFileSync(join(home, "api.key"), "utf8").trim(),
    PATH: `${bin}:${process.env.PATH}`,
    PYTHONPATH: bin,
    PYTHONDONTWRITEBYTECODE: "1",
  });
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };
function run(command: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { env, cwd: folder.path }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}
/** A line of a shell, as it is printed; the first failure ends it. */
const shell = (text: string) => run("sh", ["-ec", text]);
const python = (text: string) => run("python3", ["-c", text]);

test("every command line of the orchestrator skill works as it is printed", {
  timeout: 120_000,
}, async () => {
  const routed = await shell(`openclaw orchestrator route --instances A B --payload '{"data": "task"}'`);
  assert.equal(routed.code, 0, routed.stderr);
  assert.deepEqual(Object.keys((JSON.parse(routed.stdout) as { results: object }).results), ["A", "B"]);
  const fanned = await shell("openclaw orchestrator fanout --targets A-H --aggregate true --timeout 10s");
  assert.equal(fanned.code, 0, fanned.stderr);
  const shares = JSON.parse(fanned.stdout) as readonly { instance: string; status: string }[];
  assert.deepEqual(
    shares.map(({ instance, status }) => `${instance} ${status}`),
    "ABCDEFGH".split("").map((letter) => `${letter} ok`),
  );
  const session = await shell(
    `openclaw orchestrator sessions_spawn --id session1; openclaw orchestrator sessions_send --id session1 --data '{"key": "value"}'`,
  );
  assert.equal(session.code, 0, session.stderr);
  assert.match(session.stdout, /"token": "hqs\.[^]*"reply": /);
  const health = await shell("openclaw orchestrator health --instances A-H --output json");
  assert.deepEqual(
    JSON.parse(health.stdout),
    Object.fromEntries("ABCDEFGH".split("").map((letter) => [letter, "healthy"])),
  );
  const kept = await shell("openclaw orchestrator fanout --targets A-H --aggregate true > output.json");
  assert.deepEqual([kept.code, kept.stdout], [0, ""]);
  assert.equal((JSON.parse(readFileSync(join(folder.path, "output.json"), "utf8")) as unknown[]).length, 8);
  writeFileSync(join(folder.path, "config.json"), '{"instances": ["A"], "timeout": 5}');
  const configured = await shell(
    `openclaw orchestrator route --config config.json --retry 3 --payload '{"data": "task"}'`,
  );
  assert.equal(configured.code, 0, configured.stderr);
});

test("the skill's own Python works, once its made-up address is ours", { timeout: 60_000 }, async () => {
  const seed = `
import os, requests
headers = {'Authorization': f'Bearer {os.environ["ORCHESTRATOR_API_KEY"]}'}
response = requests.post('http://api.openclaw/orchestrator/route', json={'instances': ['A'], 'payload': {'data': 'task'}}, headers=headers)
response.raise_for_status()
print(response.json()['results']['A']['status'])
`;
  const { code, stdout, stderr } = await python(seed.replace("http://api.openclaw", supervisor.ready.api));
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "ok\n");
});

const guide = readFileSync(join(ROOT, "docs/guide/orchestrator.md"), "utf8");
const blocksOf = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(([, text = ""]) => text);

test("every block of the guide runs: shell, curl and Python", { timeout: 180_000 }, async () => {
  const shells = blocksOf("sh");
  const pythons = blocksOf("python");
  assert.deepEqual([shells.length, pythons.length], [4, 2]);
  for (const text of shells) {
    const { code, stdout, stderr } = await shell(text);
    assert.equal(code, 0, `${text}\n${stderr}`);
    assert.doesNotMatch(stdout, /"error": ?\{/, text);
  }
  for (const text of pythons) {
    const { code, stdout, stderr } = await python(text);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\bok\b/);
  }
});

test("the line of the guide that sets address and key is all that its curl needs", async () => {
  const [, line = ""] = /`(export HQ_API=[^`]+)`/.exec(guide) ?? [];
  const [, port = "", state = ""] = /(http:\S+) .*(\.hq)\//.exec(line) ?? [];
  const curl = blocksOf("sh").find((text) => text.startsWith("curl")) ?? "";
  const set = line.replace(port, supervisor.ready.api).replace(state, home);
  const { code, stdout, stderr } = await shell(`unset HQ_API ORCHESTRATOR_API_KEY\n${set}\n${curl}`);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /"H":"healthy"/);
  assert.match(stdout, /"skillId":"orchestrator"/);
  assert.doesNotMatch(stdout, /"error":/);
});

test("an instance that is down is told by its code, and the guide's Python gives up after its tries", async () => {
  const [text = ""] = blocksOf("python");
  const wrong = await python(text.replace('"instances": ["A", "B"]', '"instances": ["Q"]'));
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /RuntimeError: \d{4}-.* Q: There is no agent "Q"/);
});

test("--format text prints the lines that the skill names, in that order", async () => {
  const skill = readFileSync(join(ROOT, "skills/delegate/SKILL.md"), "utf8");
  const said = /With `--format text` ([^]*?)\. Read/.exec(skill)?.[1] ?? "";
  const named = [...said.matchAll(/`([A-Z]+:)`/g)].map(([, line]) => line);
  const { code, stdout, stderr } = await shell(`hq delegate webster "Find the CTE of ULE" --format text`);
  assert.equal(code, 0, stderr);
  const begun = [...stdout.matchAll(/^([A-Z]+:) /gm)].map(([, line]) => line);
  assert.equal(named.length, 5);
  assert.deepEqual(begun, named);
});

test("the handoff that the skill shows has the fields of one that is printed", async () => {
  const skill = readFileSync(join(ROOT, "skills/delegate/SKILL.md"), "utf8");
  const shown = /```json\n([^]*?)```/.exec(skill)?.[1] ?? "";
  const { code, stdout, stderr } = await shell(`hq delegate webster "Find the CTE of ULE"`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(Object.keys(JSON.parse(shown) as object), Object.keys(JSON.parse(stdout) as object));
});
