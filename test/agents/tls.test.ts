import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createAgents } from "../../src/agents/agents.ts";
import { cardOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const silent = () => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** A certificate that vouches for itself, for one name. */
function certificateIn(folder: string, name: string, alternative = "IP:127.0.0.1") {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${alternative}`];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...made, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  return { key, certificate };
}

async function gatewayWith(t: TestContext, made: { key: string; certificate: string }) {
  const taken: string[] = [];
  const files = { key: readFileSync(made.key), cert: readFileSync(made.certificate) };
  const server = createServer(files, (request, response) => {
    taken.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(request.method === "POST" ? 202 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ ok: true, runId: "r" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, taken };
}

function agentsFor(t: TestContext) {
  const agents = createAgents({ now: Date.now, secret: () => "token", log: SILENT, version: "0" });
  t.after(agents.close);
  const dispatch = (url: string, caFile?: string, id = "webster") =>
    agents.dispatch({
      agent: cardOf(id, { url, ...(caFile === undefined ? {} : { caFile }) }),
      message: "Find it.",
      name: "HQ orch-1",
      idempotencyKey: "orch-1#1",
      timeoutMs: 1000,
    });
  return { ...agents, dispatch };
}

test("https with a certificate of our own is believed by its ca_file, and by nothing else", async (t) => {
  using folder = temporaryFolder();
  const own = certificateIn(folder.path, "own");
  const stranger = certificateIn(folder.path, "stranger");
  const { url, taken } = await gatewayWith(t, own);
  const { dispatch, probe } = agentsFor(t);
  for (const caFile of [undefined, stranger.certificate]) {
    const answer = await dispatch(url, caFile);
    assert.equal(answer.kind, "again", "nothing was sent, so it may be sent again");
    assert.match("text" in answer ? answer.text : "", /nobody vouches for its certificate.*ca_file/);
  }
  assert.deepEqual(taken, []);
  assert.equal((await dispatch(url, own.certificate)).kind, "accepted");
  assert.deepEqual(taken, ["POST /hooks/agent"]);
  const health = await probe(cardOf("webster", { url, caFile: own.certificate }));
  assert.equal(health.state, "up");
});

test("a certificate for another name is refused", async (t) => {
  using folder = temporaryFolder();
  const made = certificateIn(folder.path, "own", "DNS:webster.example");
  const { url, taken } = await gatewayWith(t, made);
  const answer = await agentsFor(t).dispatch(url, made.certificate);
  assert.match("text" in answer ? answer.text : "", /for another name than that of its url/);
  assert.deepEqual(taken, []);
});

test("a ca_file that is missing or holds none counts as down with the reason; one that was replaced is read anew", async (t) => {
  using folder = temporaryFolder();
  const own = certificateIn(folder.path, "own");
  const { url, taken } = await gatewayWith(t, own);
  const { dispatch, probe } = agentsFor(t);
  const caFile = join(folder.path, "ca.pem");
  const missing = await dispatch(url, caFile);
  assert.deepEqual([missing.kind, "reason" in missing && missing.reason], ["again", "agent_down"]);
  assert.match("text" in missing ? missing.text : "", /cannot be read \(ENOENT\); nothing was sent/);
  writeFileSync(caFile, "not a certificate\n");
  const health = await probe(cardOf("webster", { url, caFile }));
  assert.deepEqual([health.state, health.isDoubtful], ["down", true], "no proof that it is not there");
  assert.match(health.text, /holds no certificate/);
  copyFileSync(certificateIn(folder.path, "old").certificate, caFile);
  assert.equal((await dispatch(url, caFile)).kind, "again");
  copyFileSync(own.certificate, caFile);
  utimesSync(caFile, 1, 2);
  assert.equal((await dispatch(url, caFile)).kind, "accepted");
  assert.deepEqual(taken, ["POST /hooks/agent"]);
});
