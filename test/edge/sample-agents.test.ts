import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import test from "node:test";
import { ROLL_CALL } from "../../src/domain/payload.ts";
import { historyOf } from "../../src/domain/session-history.ts";
import { createSampleAgents, SAMPLE_AGENTS } from "../../src/local/agents/sample-agents.ts";
import { type Document, fileAt, startSamples } from "./sample-agents-fixture.ts";

const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";

test("eight agents listen on loopback, each at an address of its own", async (t) => {
  const { samples } = await startSamples(t);
  assert.deepEqual(
    [...samples.addresses.keys()],
    ["manager", "tech-lead", "secretary", "auditor", "optimizer", "study-builder", "nx-expert", "webster"],
  );
  assert.equal(new Set(samples.addresses.values()).size, 8);
  for (const url of samples.addresses.values()) assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test("a message is admitted with 200 and a run id, and the handoff appears whole at the stated path", async (t) => {
  const { post, promptFor, pathOf, handoffDir } = await startSamples(t);
  const temporary = Promise.withResolvers<string>();
  mkdirSync(handoffDir, { recursive: true });
  const watcher = watch(handoffDir, (_event, name) => name?.endsWith(".tmp") && temporary.resolve(name));
  t.after(() => watcher.close());
  const answer = await post("webster", promptFor("orch-1", "webster", QUESTION));
  assert.equal(answer.status, 200);
  const body = JSON.parse(answer.text) as { ok: boolean; runId: string };
  assert.equal(body.ok, true);
  assert.match(body.runId, /^[0-9a-f-]{36}$/);
  const handoff = JSON.parse(await fileAt(pathOf("orch-1"))) as Document;
  assert.equal(handoff.runId, "orch-1");
  assert.equal(handoff.agent, "webster");
  assert.equal(handoff.status, "complete");
  assert.deepEqual(handoff.artifacts, []);
  assert.deepEqual(
    readdirSync(handoffDir).filter((name) => name.includes("orch-1")),
    ["orch-1.json"],
  );
  assert.equal((await temporary.promise).endsWith(".tmp"), true);
});

test("webster gives the right CTE with unit, interval, source and a caveat", async (t) => {
  const { ask } = await startSamples(t);
  const { result, confidence, notes } = await ask("webster", QUESTION);
  assert.match(result, /Zerodur Expansion Class 0\*\*: mean CTE \*\*0 ± 0\.02 ppm\/K\*\* over 0–50 °C/);
  assert.match(result, /asked interval 20–40 °C lies inside 0–50 °C/);
  assert.match(result, /1 m changes by up to 0\.4 µm over these 20 K/);
  assert.match(result, /Source: SCHOTT/);
  assert.match(result, /Sample agent webster/);
  assert.match(notes, /Sample data/);
  assert.equal(confidence, "medium");
});

test("webster says so when the interval reaches beyond the source, and blocks when it knows nothing", async (t) => {
  const { ask } = await startSamples(t);
  const beyond = await ask("webster", "CTE of ULE 7972 from -20 to 60 °C");
  assert.match(beyond.result, /0 ± 0\.03 ppm\/K\*\* over 5–35 °C/);
  assert.match(beyond.result, /reaches beyond 5–35 °C/);
  assert.equal(beyond.confidence, "low");
  const unknown = await ask("webster", "Find the CTE of unobtainium");
  assert.equal(unknown.status, "blocked");
  assert.match(unknown.result, /Which one do you mean\?/);
});

test("study-builder plans up to five factors and names those that it leaves out", async (t) => {
  const { ask } = await startSamples(t);
  const { result } = await ask("study-builder", "Plan a study, factors: rib height, preload");
  assert.match(result, /full factorial over 2 factors: 4 runs/);
  assert.match(result, /1\. rib height\n2\. preload\n```\n- {2}-\n\+ {2}-\n- {2}\+\n\+ {2}\+\n```/);
  const many = await ask("study-builder", "Plan a study, factors: a, b, c, d, e, mount stiffness, gravity");
  assert.match(many.result, /over 5 factors: 32 runs/);
  assert.match(many.result, /Left out, since at most 5 are planned: mount stiffness, gravity\./);
  assert.match((await ask("study-builder", "Plan a study")).result, /I need the factors/);
});

test("the trade study computes something true: values, then a requirement, then an audit", async (t) => {
  const { ask } = await startSamples(t);
  const research = await ask(
    "webster",
    "Research Zerodur Class 0, Clearceram-Z HS, ULE 7972 and Invar 36: CTE",
  );
  for (const name of ["Zerodur Expansion Class 0", "Clearceram-Z HS", "ULE 7972", "Invar 36"]) {
    assert.ok(research.result.includes(name), name);
  }
  const strict = await ask("tech-lead", "Evaluate against CTE < 0.01 ppm/K", { context: research.result });
  assert.match(
    strict.result,
    /FAIL Zerodur Expansion Class 0: worst case 0\.02 ppm\/K, does not meet CTE < 0\.01 ppm\/K \(the nominal value would/,
  );
  assert.match(strict.result, /None of 4 is guaranteed/);
  const easy = await ask("tech-lead", "Evaluate against CTE ≤ 25 ppb/K", { context: research.result });
  assert.match(easy.result, /PASS Zerodur Expansion Class 0/);
  assert.match(easy.result, /PASS Clearceram-Z HS/);
  assert.match(easy.result, /FAIL ULE 7972/);
  assert.match(easy.result, /2 of 4 meet the requirement/);
  const audit = await ask("auditor", "Audit this", { context: `${research.result}\nconfidence medium` });
  assert.match(audit.result, /Audit: PASS\*\* \(5 of 5 checks\)/);
  const bare = await ask("auditor", "Audit this", { context: "The CTE is 0.02." });
  assert.match(bare.result, /Audit: FAIL/);
  assert.match(bare.result, /MISSING sources are named/);
});

test("verdicts are reckoned with the values that were handed on, and reckoned again by the auditor", async (t) => {
  const { ask } = await startSamples(t);
  const { result: research } = await ask("webster", "Find the CTE of: Zerodur, Clearceram-Z HS, ULE");
  const asked = "Evaluate these materials: Zerodur, Clearceram-Z HS, ULE. Requirements: CTE < 0.01 ppm/K";
  const evaluation = await ask("tech-lead", asked, { context: research });
  assert.match(evaluation.result, /FAIL Zerodur \(class not stated\): worst case 0\.1 ppm\/K/);
  assert.match(evaluation.result, /FAIL Clearceram-Z HS: worst case 0\.02 ppm\/K/);
  assert.match(evaluation.result, /FAIL ULE 7972: worst case 0\.03 ppm\/K/);
  assert.match(
    evaluation.result,
    /None of 3 .* these would do: Zerodur Expansion Class 0 Extreme \(worst case 0\.007/,
  );
  const both = `${research}\n\n${evaluation.result}`;
  const audit = await ask("auditor", "Audit this trade study (confidence medium)", { context: both });
  assert.match(audit.result, /Audit: PASS\*\* \(5 of 5 checks\)/);
  assert.match(audit.result, /3 of 3 follow from the values/);
  assert.match(audit.result, /Conclusion: none of the candidates is guaranteed to meet CTE < 0\.01 ppm\/K/);

  const measured = research.replace("0 ± 0.02 ppm/K", "0 ± 0.005 ppm/K");
  const better = await ask("tech-lead", asked, { context: measured });
  assert.match(better.result, /PASS Clearceram-Z HS: worst case 0\.005 ppm\/K/);
  assert.match(better.result, /1 of 3 meet the requirement/);
  const slip = both.replace("- FAIL ULE", "- PASS ULE");
  assert.match(
    (await ask("auditor", "Audit this", { context: slip })).result,
    /do not follow from the values: ULE 7972/,
  );
});

test("the tech lead validates stated values, the auditor consolidates reviews", async (t) => {
  const { ask } = await startSamples(t);
  const { result: research } = await ask("webster", "CTE of ULE");
  const valid = await ask("tech-lead", "Validate what was found out: CTE of ULE", { context: research });
  assert.match(
    valid.result,
    /\*\*VALID: 1 of 1 values agree[^]*- OK ULE 7972: mean CTE 0 ± 0\.03 ppm\/K over 5–35 °C/,
  );
  const wrong = await ask("tech-lead", "Validate this", { context: research.replace("0.03", "0.003") });
  assert.match(
    wrong.result,
    /NOT VALID: 0 of 1[^]*stated 0 ± 0\.003 ppm\/K .* my table has 0 ± 0\.03 ppm\/K/,
  );
  const reviews = "Technical reading:\n- the load case is missing\n- the margin is thin";
  const merged = await ask("auditor", "Consolidate two reviews of one design", { context: reviews });
  assert.match(
    merged.result,
    /Consolidated: 2 points from 1 review\.[^]*- the load case is missing\n- the margin is thin/,
  );
});

test("every agent answers in its role and says that it is a sample", async (t) => {
  const { ask } = await startSamples(t);
  const answers = await Promise.all(
    SAMPLE_AGENTS.map((agent) =>
      ask(agent, "Review the mesh of the mirror and compare Zerodur class 0 with SiC"),
    ),
  );
  for (const [index, { agent, result }] of answers.entries()) {
    assert.equal(agent, SAMPLE_AGENTS[index]);
    assert.match(result, new RegExp(`Sample agent ${agent}: `));
  }
});

test("who is none of the eight is stood in for, from the start or later, and says so", async (t) => {
  const { ask, samples } = await startSamples(t, { agents: ["main"] });
  assert.match((await ask("main", QUESTION)).result, /0 ± 0\.02[^]*Sample agent main: /);
  assert.match(
    (await ask("main", "Note that the mirror arrived.")).result,
    /Sample agent main: took the first/,
  );
  const { main } = Object.fromEntries(samples.addresses);
  await samples.employ(["main", "scout"]);
  assert.equal(samples.addresses.get("main"), main);
  assert.match((await ask("scout", QUESTION)).result, /Sample agent scout: /);
});

test("what stands in attached context gives no orders: only the objective's words count", async (t) => {
  const { ask } = await startSamples(t);
  const handoff = await ask("webster", QUESTION, { context: "somebody wrote [fail] and [silent] here" });
  assert.equal(handoff.status, "complete");
});

test("[fail] fails each time, [fail once] only the first attempt", async (t) => {
  const { ask } = await startSamples(t);
  assert.equal((await ask("webster", `${QUESTION} [fail]`, { run: "orch-f" })).status, "failed");
  assert.equal((await ask("webster", `${QUESTION} [fail once]`, { run: "orch-o" })).status, "failed");
  const second = await ask("webster", `${QUESTION} [fail once]`, { run: "orch-o", attempt: 2 });
  assert.equal(second.status, "complete");
  assert.match(second.result, /0 ± 0\.02/);
});

test("[blocked], [partial], [wrong run] and [long n] do what they say", async (t) => {
  const { ask } = await startSamples(t);
  const blocked = await ask("webster", `[blocked] ${QUESTION}`);
  assert.deepEqual([blocked.status, /objective asked/.test(blocked.notes)], ["blocked", true]);
  assert.equal((await ask("webster", `[Partial] ${QUESTION}`)).status, "partial");
  assert.equal((await ask("webster", `${QUESTION} [wrong run]`, { run: "orch-w" })).runId, "orch-w-other");
  const long = await ask("webster", `${QUESTION} [long 20000]`);
  assert.equal(long.result.length, 20_000);
});

test("[bad json] writes no JSON, [truncated] writes the same document in two parts", async (t) => {
  const { post, promptFor, pathOf } = await startSamples(t);
  await post("webster", promptFor("orch-b", "webster", `${QUESTION} [bad json]`));
  const bad = await fileAt(pathOf("orch-b"));
  assert.throws(() => JSON.parse(bad));
  await post("webster", promptFor("orch-t", "webster", `${QUESTION} [truncated]`));
  const half = await fileAt(pathOf("orch-t"), (text) => text.length > 0);
  assert.throws(() => JSON.parse(half));
  const whole = await fileAt(pathOf("orch-t"), (text) => text.endsWith("}\n"));
  assert.equal((JSON.parse(whole) as Document).status, "complete");
});

test("[twice] writes the same bytes again after the first file was taken away", async (t) => {
  const { post, promptFor, pathOf } = await startSamples(t, { pauseMs: 150 });
  await post("webster", promptFor("orch-2", "webster", `${QUESTION} [twice]`));
  const path = pathOf("orch-2");
  const first = await fileAt(path);
  rmSync(path);
  assert.equal(await fileAt(path), first);
});

test("[artifact] writes a table into the handoff folder and names it", async (t) => {
  const { ask, handoffDir } = await startSamples(t);
  const { artifacts } = await ask("webster", `${QUESTION} [artifact]`, { run: "orch-a" });
  assert.deepEqual(artifacts, [join(handoffDir, "artifacts", "orch-a.csv")]);
  const [head, row] = readFileSync(artifacts[0] ?? "", "utf8").split("\n");
  assert.match(head ?? "", /^material,cte_nominal_ppm_per_k,/);
  assert.match(row ?? "", /^"Zerodur Expansion Class 0","0","0\.02","0","50"/);
});

test("[silent] is admitted and never heard of, and keeps no place", async (t) => {
  const logged: string[] = [];
  const log = { info: (_: object, message: string) => logged.push(message), warn: () => {} };
  const { post, promptFor, pathOf, ask } = await startSamples(t, { log });
  for (let n = 0; n < 9; n++) {
    const { status } = await post("webster", promptFor(`orch-s${n}`, "webster", `${QUESTION} [silent]`));
    assert.equal(status, 200);
  }
  await ask("webster", QUESTION);
  assert.equal(logged.filter((message) => message.includes("silent")).length, 9);
  assert.equal(existsSync(pathOf("orch-s0")), false);
});

test("[busy] turns the first POST away as a full gateway does", async (t) => {
  const { post, promptFor, pathOf } = await startSamples(t);
  const message = promptFor("orch-y", "webster", `${QUESTION} [busy]`);
  const first = await post("webster", message, { "idempotency-key": "orch-y#1" });
  assert.equal(first.status, 503);
  assert.match(first.text, /did not start before admission timeout/);
  assert.equal((await post("webster", message, { "idempotency-key": "orch-y#1" })).status, 200);
  await fileAt(pathOf("orch-y"));
});

test("a handoff by REST carries the run's token", async (t) => {
  const { post, promptFor } = await startSamples(t);
  const heard = Promise.withResolvers<{ url: string; authorization: string; document: Document }>();
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      response.end("{}");
      const document = JSON.parse(text) as Document;
      heard.resolve({ url, authorization: headers.authorization ?? "", document });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const url = `http://127.0.0.1:${port}/api/v1/handoffs/orch-r`;
  const back = { via: "rest" as const, url, token: "t0ken-of-the-run-123456" };
  assert.equal((await post("webster", promptFor("orch-r", "webster", QUESTION, { back }))).status, 200);
  const { url: path, authorization, document } = await heard.promise;
  assert.equal(path, "/api/v1/handoffs/orch-r");
  assert.equal(authorization, "Bearer t0ken-of-the-run-123456");
  assert.equal(document.runId, "orch-r");
});

test("a text result comes as the block of five lines", async (t) => {
  const { post, promptFor, pathOf } = await startSamples(t);
  await post("webster", promptFor("orch-x", "webster", QUESTION, { order: { format: "text" } }));
  const { result } = JSON.parse(await fileAt(pathOf("orch-x"))) as Document;
  assert.match(result, /^TASK: Find the CTE.*\nSTATUS: complete\nRESULT: \*\*Zerodur/);
  assert.match(result, /\nCONFIDENCE: medium\nNOTES: Sample data/);
});

test("a path outside the handoff folder is not written", async (t) => {
  const warned = Promise.withResolvers<string>();
  const log = { info: () => {}, warn: (_: object, message: string) => warned.resolve(message) };
  const { post, promptFor, home } = await startSamples(t, { log });
  const path = join(home, "elsewhere", "orch-e.json");
  await post("webster", promptFor("orch-e", "webster", QUESTION, { back: { via: "file", path } }));
  assert.match(await warned.promise, /outside the handoff folder/);
  assert.equal(existsSync(join(home, "elsewhere")), false);
});

test("the same idempotency key starts one run and gets the same answer", async (t) => {
  const { post, promptFor, pathOf } = await startSamples(t);
  const message = promptFor("orch-i", "webster", QUESTION);
  const first = await post("webster", message, { "idempotency-key": "k" });
  const second = await post("webster", message, { "idempotency-key": "k" });
  assert.equal(second.text, first.text);
  await fileAt(pathOf("orch-i"));
});

test("at most eight runs at once, the ninth gets 503", async (t) => {
  const { post, promptFor } = await startSamples(t, { delayMs: 60_000 });
  for (let n = 0; n < 8; n++) {
    assert.equal((await post("webster", promptFor(`orch-m${n}`, "webster", QUESTION))).status, 200);
  }
  assert.equal((await post("webster", promptFor("orch-m8", "webster", QUESTION))).status, 503);
  assert.equal((await post("auditor", promptFor("orch-m8", "auditor", QUESTION))).status, 200);
});

test("the hooks contract's refusals: token, method, path, body, origin", async (t) => {
  const { post, urlOf, promptFor } = await startSamples(t, {
    tokens: (agent) => (agent === "webster" ? "s3cret" : undefined),
  });
  const message = promptFor("orch-q", "webster", QUESTION);
  const denied = await post("webster", message);
  assert.equal(denied.status, 401);
  assert.equal(denied.text, "Unauthorized");
  assert.equal((await post("webster", message, { authorization: "Bearer s3cret" })).status, 200);
  assert.equal((await post("webster", message, { "x-openclaw-token": "s3cret" })).status, 200);
  const hook = `${urlOf("auditor")}/hooks/agent`;
  assert.equal((await fetch(hook)).status, 405);
  assert.equal((await fetch(`${urlOf("auditor")}/hooks/other`, { method: "POST" })).status, 404);
  const send = (body: string, type = "application/json") =>
    fetch(hook, { method: "POST", headers: { "content-type": type }, body });
  assert.equal((await send("{")).status, 400);
  const empty = await send(JSON.stringify({ message: "  " }));
  assert.equal(empty.status, 400);
  assert.deepEqual(await empty.json(), { ok: false, error: "message required" });
  assert.equal((await send(JSON.stringify({ message: "x", to: "channel:1" }))).status, 400);
  assert.equal((await send("x", "text/plain")).status, 415);
  assert.equal((await send(JSON.stringify({ message: "x".repeat(300_000) }))).status, 413);
  assert.equal((await post("auditor", message, { origin: "http://evil.example" })).status, 403);
});

test("twenty wrong tokens in a minute lock the caller out for a while", async (t) => {
  const { post } = await startSamples(t, { tokens: () => "s3cret" });
  for (let n = 0; n < 20; n++) assert.equal((await post("webster", "x")).status, 401);
  const locked = await post("webster", "x");
  assert.equal(locked.status, 429);
  assert.equal(locked.headers.get("retry-after"), "60");
});

test("health says live, ready, and since when, so that a restart shows", async (t) => {
  let clock = 1_000_000;
  const { urlOf } = await startSamples(t, { now: () => clock });
  clock += 4200;
  const get = async (path: string) =>
    (await fetch(`${urlOf("webster")}${path}`)).json() as Promise<Record<string, unknown>>;
  assert.equal((await get("/health")).status, "live");
  assert.equal((await get("/healthz")).ok, true);
  assert.equal((await get("/readyz")).ready, true);
  const startup = await get("/startupz");
  assert.equal(startup.uptimeMs, 4200);
  assert.equal(typeof startup.version, "string");
});

test("an accepted run outlives the process: it is taken up again and handed back once", async (t) => {
  const { home, options, promptFor, pathOf, samples } = await startSamples(t, { delayMs: 60_000 });
  await samples.stop();
  const jobs = { jobsDir: join(home, "jobs") };
  const first = await createSampleAgents({ ...options, ...jobs, delayMs: 60_000 });
  t.after(() => first.stop());
  const url = first.addresses.get("webster") ?? "";
  const message = promptFor("orch-k", "webster", QUESTION);
  const send = (base: string) =>
    fetch(`${base}/hooks/agent`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "orch-k#1" },
      body: JSON.stringify({ message }),
    });
  const taken = await (await send(url)).text();
  await first.stop();
  assert.equal(readdirSync(jobs.jobsDir).length, 1);
  assert.equal(existsSync(pathOf("orch-k")), false);
  const second = await createSampleAgents({ ...options, ...jobs, delayMs: 0 });
  t.after(() => second.stop());
  const again = await send(second.addresses.get("webster") ?? "");
  assert.equal(await again.text(), taken, "the key of an open run is still known");
  const handoff = JSON.parse(await fileAt(pathOf("orch-k"))) as Document;
  assert.equal(handoff.status, "complete");
  await second.stop();
  assert.deepEqual(readdirSync(jobs.jobsDir), []);
});

test("at a roll call every agent says that it is here, and in a session which turn it is and what was asked before", async (t) => {
  const { ask } = await startSamples(t);
  for (const agent of ["webster", "secretary"]) {
    const here = await ask(agent, ROLL_CALL);
    assert.equal(here.status, "complete");
    assert.match(here.result, new RegExp(`^${agent} is here[^]*Sample agent ${agent}: `));
  }
  const history = historyOf([
    { turn: 1, asked: "Find the CTE of ULE", answered: "…" },
    { turn: 2, asked: "And its stiffness?", answered: "…" },
  ]);
  assert.ok(history);
  const later = await ask("webster", "And its density?", { order: { attachments: [history] } });
  assert.match(later.result, /^Turn 3 of this session\. In turn 2 I was asked: And its stiffness\?\n\n/);
  assert.match(later.result, /ULE[^]*density/);
});
