/**
 * Two real gateways, one of which is killed in the middle of a run: the work goes to the other one and is seen once.
 * Alone: `node test/openclaw/two-gateways.ts [--feb | --version <version>]`; test/openclaw/run.ts runs it too.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parseArgs } from "node:util";
import { type Supervisor, startSupervisor } from "../support/supervisor.ts";
import { MAPPING, startOpenclaw } from "./gateway.ts";
import { FEBRUARY, installOpenclaw, NEWEST } from "./install.ts";
import { handInByShell } from "./scripted-handoff.ts";
import { type ChatRequest, startScriptedModel, textOf } from "./scripted-model.ts";

const { values } = parseArgs({ options: { feb: { type: "boolean" }, version: { type: "string" } } });
const version = values.version ?? (values.feb ? FEBRUARY : NEWEST);
const folder = mkdtempSync(join(tmpdir(), "hq-openclaw-two-"));
const say = (text: string) => process.stdout.write(`${text}\n`);

type Agent = "webster" | "tech-lead";
type Gateway = Awaited<ReturnType<typeof startOpenclaw>>;

/** Whose prompt it is; undefined for what the gateway asks of its own. */
function agentOf({ messages }: ChatRequest): Agent | undefined {
  const prompt = messages.map(textOf).find((text) => text.includes("This is a direct assignment to"));
  return /assignment to (webster|tech-lead) /.exec(prompt ?? "")?.[1] as Agent | undefined;
}

suite(`two gateways, OpenClaw ${version}`, () => {
  const begun = Promise.withResolvers<void>();
  const asked: Agent[] = [];
  let model: Awaited<ReturnType<typeof startScriptedModel>>;
  let supervisor: Supervisor;
  let gateways: Readonly<Record<Agent, Gateway>>;

  before(async () => {
    const { entry } = await installOpenclaw(version);
    // Webster thinks for ever.
    model = await startScriptedModel((request) => {
      const agent = agentOf(request);
      if (agent && !request.messages.some(({ role }) => role === "tool")) asked.push(agent);
      if (agent !== "webster") return handInByShell(request);
      begun.resolve();
      return new Promise(() => undefined);
    });
    const start = (agent: Agent) =>
      startOpenclaw({ entry, folder: join(folder, agent), modelUrl: model.url });
    gateways = { webster: await start("webster"), "tech-lead": await start("tech-lead") };
    const config = join(folder, "config");
    mkdirSync(config);
    const entryOf = (agent: Agent, token_env: string) => ({
      url: gateways[agent].url,
      hooks_path: `/hooks/${MAPPING.match.path}`,
      token_env,
      capabilities: ["materials"],
      browser_ports: false,
    });
    // JSON is YAML too.
    const agents = {
      webster: entryOf("webster", "WEBSTER_HOOKS_TOKEN"),
      "tech-lead": entryOf("tech-lead", "TECH_LEAD_HOOKS_TOKEN"),
    };
    writeFileSync(join(config, "agents.yaml"), JSON.stringify({ agents }));
    supervisor = await startSupervisor(join(folder, "hq-home"), {
      HQ_CONFIG: config,
      HQ_AGENTS: "config",
      WEBSTER_HOOKS_TOKEN: gateways.webster.hookToken,
      TECH_LEAD_HOOKS_TOKEN: gateways["tech-lead"].hookToken,
    });
  });

  after(async () => {
    await supervisor?.stop();
    await gateways?.["tech-lead"].stop();
    await model?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  test("a run whose gateway is killed goes to the other gateway, and is handed in and seen once", async () => {
    const { body: delegation } = await supervisor.call("POST", "/delegations", {
      agent: "webster",
      fallback: true,
      objective: "Find the CTE of Zerodur Class 0.",
      timeout: "300s",
    });
    await begun.promise;
    const killedAt = Date.now();
    await gateways.webster.kill();
    let view = delegation;
    while (view.settledAt === undefined)
      view = (await supervisor.call("GET", `/delegations/${delegation.id}?wait=60s`)).body;
    say(`killed in mid-run, done by the other one after ${Math.round((Date.now() - killedAt) / 1000)} s`);
    assert.deepEqual(
      [view.status, view.agent, view.handoff?.agent, view.handoff?.result],
      ["succeeded", "tech-lead", "tech-lead", "0.02e-6 per kelvin, a scripted answer"],
    );
    const history = await supervisor.call("GET", `/delegations/${delegation.id}/history`);
    const types = (history.body.items as readonly { readonly type: string }[]).map(({ type }) => type);
    for (const once of ["attempt.lost", "delegation.rerouted", "delegation.settled", "handoff.seen"])
      assert.equal(types.filter((type) => type === once).length, 1, once);
    assert.equal(asked.filter((agent) => agent === "tech-lead").length, 1);
  });
});
