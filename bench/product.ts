/** The product without Discord, in this process, for the benches: real ledger, inbox, agents and loop. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createAgents } from "../src/agents/agents.ts";
import { createCore } from "../src/app/core.ts";
import { DEFAULT_ACL } from "../src/domain/acl.ts";
import { createRegistry } from "../src/domain/agent-card.ts";
import type { Config } from "../src/domain/config.ts";
import type { WorkflowDefinition } from "../src/domain/workflow-types.ts";
import { createInbox } from "../src/handoffs/inbox.ts";
import { makeFolder } from "../src/handoffs/make-folder.ts";
import { createRunFiles } from "../src/handoffs/run-files.ts";
import { createHandoffTokens } from "../src/handoffs/token.ts";
import { createUploadFiles } from "../src/handoffs/upload-files.ts";
import { createWorkspaceFiles } from "../src/handoffs/workspace-files.ts";
import { openSqliteLedger } from "../src/ledger/sqlite.ts";
import { createCheckSchema } from "../src/schemas/check-schema.ts";
import { createJournal } from "../src/telemetry/journal.ts";
import { createPictures } from "../src/telemetry/pictures.ts";
import { AGENT_IDS, cardOf, settingsOf } from "../test/support/core.ts";

/** Agents as a process of their own, which answer at once or take some time. */
export async function startGateway(takesMs = 0): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "gateway.ts"), String(takesMs)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  if (!child.stdout) throw new Error("no output");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { url: `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`, child };
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };

export async function startProduct(home: string, url: string, workflows: readonly WorkflowDefinition[] = []) {
  mkdirSync(home, { recursive: true });
  const config: Config = {
    settings: settingsOf(home),
    registry: createRegistry(AGENT_IDS.map((id) => cardOf(id, { url, concurrency: 64 }))),
    acl: DEFAULT_ACL,
    people: { roles: [], users: [] },
    contracts: [],
    files: [],
  };
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db") });
  const lease = await ledger.lease("coordinator", "bench", 1);
  const agents = createAgents({ now: Date.now, secret: () => "bench-token", log: silent, version: "bench" });
  const core = createCore({
    ledger,
    epoch: () => lease?.epoch ?? 1,
    holder: "bench",
    config: () => config,
    changedAt: async () => 0,
    agents,
    createInbox: (sink) =>
      createInbox({
        settings: () => config.settings.handoffs,
        agents: () => config.registry.agents,
        sink,
        memo: { recall: () => [], note: () => undefined },
        now: Date.now,
        log: silent,
        crash: () => undefined,
      }),
    pictures: createPictures(),
    journal: createJournal(() => config.settings.logs, makeFolder),
    proposals: { write: async (slug) => slug },
    workspaceFiles: createWorkspaceFiles(() => undefined),
    uploads: createUploadFiles(() => config.settings.handoffs.dir),
    runFiles: createRunFiles(() => config.settings.handoffs.dir),
    workers: {
      run: () => Promise.reject(new Error("no workers here")),
      kill: async () => undefined,
      killAll: async () => [],
      prune: async () => [],
    },
    workflows: () => workflows.map((definition) => ({ name: definition.name, definition, problems: [] })),
    checkSchema: createCheckSchema(),
    secret: "bench-secret-bench-secret",
    tokens: createHandoffTokens("bench-secret-bench-secret"),
    handInUrl: () => "",
    delegateUrl: () => "",
    readChannel: () => Promise.reject(new Error("no channels here")),
    discord: () => undefined,
    health: () => Promise.reject(new Error("not asked")),
    startedAt: Date.now(),
    now: Date.now,
    log: silent,
    crash: () => undefined,
    onBroken: (error) => console.error(error),
  });
  await core.inbox.start();
  core.loop.start();
  return {
    ...core,
    ledger,
    async stop() {
      await core.loop.stop(5000);
      await core.inbox.stop();
      await agents.close();
      await ledger.close();
    },
  };
}
