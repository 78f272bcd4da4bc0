import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { Settings } from "../../src/domain/settings.ts";
import type { ArrivedHandoff, Inbox } from "../../src/engine/ports/handoffs.ts";
import type { CrashPoint } from "../../src/engine/ports/log.ts";
import { createInbox } from "../../src/handoffs/inbox.ts";

export const NOON = Date.UTC(2026, 1, 17, 12);
export const DAY = "2026-02-17";

export function agentCard(more: Partial<AgentCard> = {}): AgentCard {
  return {
    id: "webster",
    name: "Webster",
    aliases: [],
    url: "http://127.0.0.1:1",
    hooksPath: "/hooks/agent",
    capabilities: [],
    skills: [],
    role: "",
    handoffVia: "file",
    concurrency: 1,
    sample: true,
    ...more,
  };
}

/** A document that would be accepted; `more` makes each one another. */
export function document(runId: string, more: object = {}): string {
  return JSON.stringify({
    schemaVersion: "1.0",
    runId,
    agent: "webster",
    status: "complete",
    result: "Done.",
    ...more,
  });
}

export type InboxFixture = {
  readonly dir: string;
  readonly inbox: Inbox;
  readonly arrivals: ArrivedHandoff[];
  readonly logged: { readonly message: string; readonly fields: object }[];
  /** The first `count` arrivals, as soon as they are there. */
  readonly arrived: (count: number) => Promise<readonly ArrivedHandoff[]>;
  readonly write: (name: string, body: string) => string;
  /** The way agents are told to: a temporary name, then a rename. */
  readonly place: (name: string, body: string) => string;
  readonly names: (folder?: string) => readonly string[];
  /** What the engine does after its commit. */
  readonly archiveOf: (arrived: ArrivedHandoff, to?: "accepted" | "rejected") => Promise<string>;
  readonly setSettings: (more: Partial<Settings["handoffs"]>) => void;
};

export type InboxOptions = {
  readonly settings?: Partial<Settings["handoffs"]>;
  readonly agents?: readonly AgentCard[];
  readonly sink?: (arrived: ArrivedHandoff) => Promise<void>;
  readonly crash?: (point: CrashPoint) => void;
  readonly dir?: string;
  readonly now?: () => number;
  /** The folders that are remembered; what an earlier inbox noted. */
  readonly memo?: { folders: readonly string[] };
};

export function makeFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-inbox-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** An inbox on a real folder, not started. It is stopped after the test. */
export function makeInbox(t: TestContext, options: InboxOptions = {}): InboxFixture {
  const dir = options.dir ?? join(makeFolder(t), "handoffs");
  const agents = options.agents ?? [];
  const arrivals: ArrivedHandoff[] = [];
  const logged: { message: string; fields: object }[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  let settings: Settings["handoffs"] = {
    dir,
    keepInPlace: false,
    maxBytes: 1_048_576,
    quietMs: 60,
    scanMs: 40,
    sweepMs: 200,
    polling: false,
    uploadMax: 10 * 1024 * 1024,
    uploadMaxTotal: 50 * 1024 * 1024,
    ...options.settings,
  };
  const memo = options.memo ?? { folders: [] };
  const note = (fields: object, message: string) => void logged.push({ message, fields });
  const inbox = createInbox({
    settings: () => settings,
    agents: () => agents,
    async sink(arrived) {
      await options.sink?.(arrived);
      arrivals.push(arrived);
      for (const waiter of waiters) if (arrivals.length >= waiter.count) waiter.resolve();
    },
    memo: {
      recall: () => memo.folders,
      note(folders) {
        memo.folders = folders;
      },
    },
    now: options.now ?? Date.now,
    log: { debug: note, info: note, warn: note, error: note },
    crash: options.crash ?? (() => undefined),
  });
  t.after(() => inbox.stop());
  const write = (name: string, body: string) => {
    writeFileSync(join(dir, name), body);
    return join(dir, name);
  };
  return {
    dir,
    inbox,
    arrivals,
    logged,
    async arrived(count) {
      if (arrivals.length < count) {
        await new Promise<void>((resolve) => waiters.push({ count, resolve }));
      }
      return arrivals.slice(0, count);
    },
    write,
    place(name, body) {
      renameSync(write(join(dirname(name), `.${basename(name)}.tmp`), body), join(dir, name));
      return join(dir, name);
    },
    names: (folder = "") =>
      readdirSync(join(dir, folder), { withFileTypes: true })
        .filter((entry) => folder !== "" || !entry.isDirectory())
        .map((entry) => entry.name)
        .sort(),
    archiveOf: (arrived, to = "accepted") =>
      inbox.archive({
        run: arrived.runId,
        path: arrived.source.path,
        digest: arrived.source.digest,
        ...(arrived.source.inode === undefined ? {} : { inode: arrived.source.inode }),
        to,
        problems: arrived.ok ? [] : arrived.problems,
      }),
    setSettings(more) {
      settings = { ...settings, ...more };
    },
  };
}

export async function startInbox(t: TestContext, options: InboxOptions = {}): Promise<InboxFixture> {
  const fixture = makeInbox(t, options);
  await fixture.inbox.start();
  return fixture;
}

export function folderIn(dir: string, name: string): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** The only arrival, which must be refused; its first message. */
export function refusalOf(arrived: ArrivedHandoff | undefined): string {
  assert.ok(arrived && !arrived.ok, `it was not refused: ${JSON.stringify(arrived)}`);
  return arrived.problems.map(({ message }) => message).join("; ");
}

/** Polls for what nothing signals, at most a minute. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isSo()) {
    if (performance.now() > deadline) assert.fail(`${what} did not come true within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
