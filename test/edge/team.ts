import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import { AGENT_IDS, handoffOf } from "../support/core.ts";
import { type FakeRun, startFakeGateway } from "../support/fake-gateway.ts";
import { ROOT, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

export const HOOKS_TOKEN = "hooks-token-of-the-team";

/** What an agent reads out of its prompt. */
export type Job = {
  readonly agent: string;
  readonly run: string;
  readonly attempt: number;
  readonly message: string;
  /** Where the handoff goes. */
  readonly path: string;
  /** The token and the address by which it may delegate; empty when it may not. */
  readonly token: string;
  readonly address: string;
};

export function jobOf(agent: string, { message }: FakeRun): Job {
  const [, token = ""] = /HQ_RUN_TOKEN=(\S+) hq delegate/.exec(message) ?? [];
  return {
    agent,
    run: /^Run id: (\S+)$/m.exec(message)?.[1] ?? "",
    attempt: Number(/^Attempt: (\d+) of/m.exec(message)?.[1]),
    message,
    path: /^(\/\S+\.json)$/m.exec(message)?.[1] ?? "",
    token,
    address: / (http:\/\/\S+\/api\/v1\/delegations)$/m.exec(message)?.[1] ?? "",
  };
}

export function handIn(job: Job, more: object = {}): void {
  mkdirSync(dirname(job.path), { recursive: true });
  writeFileSync(job.path, JSON.stringify(handoffOf(job.run, { agent: job.agent, ...more })));
}

/** A call of an agent with the token of its run, as `curl` would make it. */
export async function askWith(
  job: Pick<Job, "token" | "address">,
  body: object,
  path = "",
): Promise<{ readonly status: number; readonly body: any }> {
  const response = await fetch(`${job.address}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${job.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

export async function readWith(job: Pick<Job, "token" | "address">, path: string) {
  const response = await fetch(`${job.address}${path}`, {
    headers: { authorization: `Bearer ${job.token}` },
  });
  return { status: response.status, body: (await response.json()) as any };
}

/**
 * The supervisor as a process of its own, with the configuration that ships, and agents that do what the test says.
 * Agents without a part hand in at once.
 */
export async function startTeam(
  t: TestContext,
  given: {
    readonly parts?: Readonly<Record<string, (job: Job) => Promise<void> | void>>;
    /** Text for acl.yaml in place of the one that ships. */
    readonly acl?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** More keys of an agent's entry. */
    readonly more?: (folder: string) => Readonly<Record<string, object>>;
  } = {},
) {
  const folder = temporaryFolder("hq-team-");
  t.after(folder.remove);
  const config = join(folder.path, "config");
  const home = join(folder.path, "home");
  cpSync(join(ROOT, "config"), config, { recursive: true });
  const gateways = await Promise.all(
    AGENT_IDS.map((agent) =>
      startFakeGateway({
        token: HOOKS_TOKEN,
        onRun: async (run) => {
          const job = jobOf(agent, run);
          const part = given.parts?.[agent];
          if (part) await part(job);
          else handIn(job);
        },
      }),
    ),
  );
  t.after(() => Promise.all(gateways.map((gateway) => gateway.close())));
  const more = given.more?.(folder.path) ?? {};
  const agents = Object.fromEntries(
    AGENT_IDS.map((id, index) => [
      id,
      { url: gateways[index]?.url, concurrency: 8, browser_ports: false, ...more[id] },
    ]),
  );
  writeFileSync(join(config, "agents.yaml"), stringify({ agents }));
  if (given.acl !== undefined) writeFileSync(join(config, "acl.yaml"), given.acl);
  const env = {
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    OPENCLAW_GATEWAY_TOKEN: HOOKS_TOKEN,
    ...given.env,
  };
  const supervisor = await startSupervisor(home, env);
  t.after(supervisor.stop);
  const { call } = supervisor;

  async function settled(id: string): Promise<any> {
    for (;;) {
      const { body } = await call("GET", `/delegations/${encodeURIComponent(id)}?wait=30s`);
      if (body.settledAt !== undefined || body.status === undefined) return body;
    }
  }

  return {
    ...supervisor,
    folder: folder.path,
    env,
    home,
    config,
    gateways: Object.fromEntries(AGENT_IDS.map((id, index) => [id, gateways[index]])),
    operatorKey: () => readFileSync(join(home, "api.key"), "utf8").trim(),
    settled,
    tokenOf: async (agent: string): Promise<string> =>
      (await call("POST", `/agents/${agent}/key`)).body.token,
  };
}

export type Team = Awaited<ReturnType<typeof startTeam>>;
