import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AcceptedGap } from "../../src/engine/accept-missing.ts";
import type { AuditReport } from "../../src/engine/audit.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { hq as hqWith } from "./cli-harness.ts";
import { personAt, startFor } from "./discord-person.ts";

const folder = temporaryFolder("hq-accept-");
after(folder.remove);
const home = join(folder.path, "home");
const hq = (...argv: string[]) => hqWith(argv, { env: { HQ_HOME: home } });

type Told = { readonly delivery: string; readonly channel: string; readonly message: string };

const discord = ({ ready }: Supervisor, method: string, { channel, message }: Told) =>
  fetch(`${ready.guild}/api/v10/channels/${channel}/messages/${message}`, {
    method,
    headers: { authorization: "Bot local-guild-bot" },
  });

/** Settled, with its result and its log line in the guild. */
async function delegated(supervisor: Supervisor, objective: string) {
  const { call } = supervisor;
  const { body: asked } = await call("POST", "/delegations", { agent: "webster", objective });
  const id = asked.id as string;
  await call("GET", `/delegations/${id}?wait=60s`);
  const person = personAt(supervisor);
  const names = (message: object) => JSON.stringify(message).includes(id);
  await person.until("results", (messages) => messages.some(names));
  await person.until("agent-logs", (messages) => messages.some(names));
  for (;;) {
    const { body } = await call("GET", `/delegations/${id}/receipts`);
    const of = (what: string) => (body.items as Told[]).find(({ delivery }) => delivery === `${id}/${what}`);
    const [result, log] = [of("result"), of("log")];
    if (result && log) return { id, result, log };
  }
}

async function removed(supervisor: Supervisor, ...receipts: readonly Told[]): Promise<void> {
  for (const receipt of receipts) assert.equal((await discord(supervisor, "DELETE", receipt)).status, 204);
}

async function prove(...more: string[]): Promise<AuditReport & { code: number }> {
  const { out, code, err } = await hq("audit", "--json", ...more);
  assert.ok(out, err);
  return { ...(JSON.parse(out) as AuditReport), code };
}
const told = ({ findings }: AuditReport) => findings.map(({ fault, id }) => `${fault} ${id}`).sort();

async function acceptances(): Promise<readonly { actor: string; body: { message: string } }[]> {
  const { out } = await hq("export", "events");
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; actor: string; body: { message: string } });
  return events.filter(({ type }) => type === "finding.accepted");
}

async function killed(supervisor: Supervisor): Promise<void> {
  supervisor.child.kill("SIGKILL");
  await supervisor.exited;
}

test("what was deleted on purpose is accepted once, by name, and is neither missed nor posted again, also after a kill", async (t) => {
  const first = await startFor(t, home);
  const [wanted, other, stands] = [
    await delegated(first, "Find the CTE of Zerodur"),
    await delegated(first, "Find the CTE of BK7"),
    await delegated(first, "Find the CTE of ULE"),
  ] as const;
  await removed(first, wanted.result, wanted.log, other.result);
  const found = await prove();
  const missing = [`unseen ${wanted.id}/log`, `unseen ${wanted.id}/result`, `unseen ${other.id}/result`];
  assert.deepEqual(told(found), missing.sort());
  assert.equal(found.code, 1);
  assert.match(found.findings[0]?.mend ?? "", /hq audit --mend.*hq audit --accept/);

  for (const [words, why] of [
    [["--accept", "orch-nobody"], /^2 .*nothing.*named orch-nobody.*hq audit --prove/is],
    [["--accept", wanted.id, stands.log.delivery], /^2 .*is not missing.*its message.*is there/is],
    [["--accept", wanted.id, "--mend"], /^2 .*choose one/],
    [["--accept", wanted.id, "--dry-run"], /^2 .*--dry-run belongs to --mend/],
    [["--reason", "told by phone"], /^2 .*--reason belongs to --accept/],
  ] as const) {
    const no = await hq("audit", ...words);
    assert.match(`${no.code} ${no.err}`, why);
  }
  assert.deepEqual(await acceptances(), [], "all or nothing");

  const isTold = new AbortController();
  const stream = await fetch(`${first.ready.api}/api/v1/events`, {
    headers: { authorization: `Bearer ${readFileSync(join(home, "api.key"), "utf8").trim()}` },
    signal: isTold.signal,
  });
  const asked = hq("audit", "--accept", wanted.id, "--reason", "told by phone").catch(
    (error: unknown) => error,
  );
  assert.ok(stream.body);
  const decoder = new TextDecoder();
  for await (const chunk of stream.body) if (decoder.decode(chunk).includes("finding.accepted")) break;
  await killed(first);
  await asked;

  const second = await startFor(t, home);
  const again = await hq("audit", "--accept", wanted.id, "--reason", "told by phone", "--json");
  assert.equal(again.code, 0, again.err);
  const { accepted } = JSON.parse(again.out) as { accepted: readonly AcceptedGap[] };
  assert.deepEqual(
    accepted
      .map(({ id, message, by, why }) => ({ id, message, by, why }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    [wanted.log, wanted.result].map(({ delivery, message }) => ({
      id: delivery,
      message,
      by: "operator",
      why: "told by phone",
    })),
  );
  const noted = await acceptances();
  assert.deepEqual(
    noted.map(({ body }) => body.message).sort(),
    [wanted.log, wanted.result].map(({ message }) => message).sort(),
  );
  assert.ok(noted.every(({ actor }) => actor === "operator"));
  const twice = await hq("audit", "--accept", wanted.result.delivery, "--reason", "another reason");
  assert.equal(twice.code, 0, twice.err);
  assert.match(twice.out, /was accepted before.*told by phone/);
  assert.equal((await acceptances()).length, 2, "twice is once");

  const left = await prove();
  assert.deepEqual([told(left), left.counts.unseen, left.code], [[`unseen ${other.id}/result`], 1, 1]);
  assert.deepEqual(left.accepted.map(({ id }) => id).sort(), [wanted.log.delivery, wanted.result.delivery]);
  const mended = await hq("audit", "--mend");
  assert.equal(mended.code, 0, mended.out);
  const person = personAt(second);
  await person.until("results", (all) => JSON.stringify(all).includes(`${other.id}/result~again`));
  await killed(second);

  const third = await startFor(t, home);
  const clean = await hq("audit", "--prove");
  assert.equal(clean.code, 0, clean.out);
  assert.match(clean.out, new RegExp(`accepted ${wanted.id}/result.*operator.*told by phone`));
  assert.match(clean.out, /unseen 0 · accepted 2\n/);
  const results = await personAt(third).messages("results");
  assert.ok(!JSON.stringify(results).includes(`${wanted.id}/result`), "it is not posted again");
  const trace = await hq("trace", wanted.id);
  assert.match(trace.out, /accepted: .*result.*deleted.*operator.*told by phone/);
  assert.doesNotMatch((await hq("trace", other.id)).out, /accepted:/);

  // What was posted again is another message: it is asked about by itself, also by the message's number.
  const { body } = await third.call("GET", `/delegations/${other.id}/receipts`);
  const anew = (body.items as Told[]).find(({ delivery }) => delivery.endsWith("~again"));
  assert.ok(anew);
  await removed(third, anew);
  assert.deepEqual(told(await prove()), [`unseen ${other.id}/result~again`]);
  const byMessage = await hq("audit", "--accept", anew.message);
  assert.equal(byMessage.code, 0, byMessage.err);
  assert.equal((await prove()).code, 0);
  await third.stop();
  const alone = await hq("audit", "--accept", wanted.id);
  assert.match(`${alone.code} ${alone.err}`, /^5 .*No supervisor/i);
});
