import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Order } from "../../src/domain/delegation-types.ts";
import { composePrompt, type HandInBy } from "../../src/domain/prompt.ts";
import { createSampleAgents, type SampleAgentsOptions } from "../../src/local/agents/sample-agents.ts";
import { cardOf } from "../support/core.ts";

export type Document = {
  readonly runId: string;
  readonly agent: string;
  readonly status: string;
  readonly result: string;
  readonly confidence: string;
  readonly notes: string;
  readonly artifacts: readonly string[];
};

/** Resolves when the file is there (and, when asked, holds what is expected); fails after a minute. */
export function fileAt(path: string, isReady: (text: string) => boolean = () => true): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), () => look());
    const timer = setTimeout(() => end(() => reject(new Error(`${path} did not appear`))), 60_000);
    const end = (finish: () => void) => {
      watcher.close();
      clearTimeout(timer);
      finish();
    };
    function look(): void {
      if (!existsSync(path)) return;
      const text = readFileSync(path, "utf8");
      if (isReady(text)) end(() => resolve(text));
    }
    look();
  });
}

/** The sample agents over a folder of their own; stopped and removed with the test. */
export async function startSamples(t: TestContext, more: Partial<SampleAgentsOptions> = {}) {
  const home = mkdtempSync(join(tmpdir(), "samples-"));
  const handoffDir = join(home, "hand offs");
  const options = { ports: 0, handoffDir, now: Date.now, delayMs: 0, pauseMs: 30, ...more };
  const samples = await createSampleAgents(options);
  t.after(async () => {
    await samples.stop();
    rmSync(home, { recursive: true, force: true });
  });
  let asked = 0;
  const urlOf = (agent: string) => {
    const found = samples.addresses.get(agent);
    if (found === undefined) throw new Error(`no sample agent ${agent}`);
    return found;
  };

  function promptFor(
    run: string,
    agent: string,
    objective: string,
    more: { attempt?: number; back?: HandInBy; context?: string; order?: Partial<Order> } = {},
  ): string {
    const attempt = more.attempt ?? 1;
    const order: Order = {
      id: run,
      agent,
      objective,
      attachments: more.context === undefined ? [] : [{ name: "earlier result", text: more.context }],
      timeoutMs: 300_000,
      startWithinMs: 3_600_000,
      maxAttempts: 2,
      validate: false,
      format: "json",
      deliver: true,
      actor: { kind: "operator" },
      origin: { door: "cli" },
      queuedAt: 0,
      slotGraceMs: 0,
      ...more.order,
    };
    const handoff = more.back ?? { via: "file" as const, path: pathOf(run, attempt) };
    return composePrompt({
      order,
      attempt,
      problems: [],
      card: cardOf(agent),
      handoff,
      mayDelegateTo: [],
      delegateBy: { token: "", url: "" },
      nonce: "1f2e3d4c",
    }).text;
  }
  const pathOf = (run: string, attempt = 1) =>
    join(handoffDir, attempt === 1 ? `${run}.json` : `${run}.${attempt}.json`);

  async function post(agent: string, message: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${urlOf(agent)}/hooks/agent`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ message, deliver: false, wakeMode: "next-heartbeat" }),
    });
    const text = await response.text();
    return { status: response.status, text, headers: response.headers };
  }

  /** Asks and waits for the handoff document. */
  async function ask(
    agent: string,
    objective: string,
    more: { context?: string; run?: string; attempt?: number; order?: Partial<Order> } = {},
  ) {
    asked += 1;
    const run = more.run ?? `orch-${agent}-${asked}`;
    const attempt = more.attempt ?? 1;
    const answer = await post(agent, promptFor(run, agent, objective, { ...more, attempt }));
    if (answer.status !== 200) throw new Error(`${agent} answered ${answer.status}: ${answer.text}`);
    return JSON.parse(await fileAt(pathOf(run, attempt))) as Document;
  }

  return { samples, handoffDir, home, options, urlOf, promptFor, pathOf, post, ask };
}
