import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { openPage, sees, useBrowser } from "./page-fixture.ts";

/** A supervisor with its local guild and sample agents, a browser, and the supervisor's own page in it. */
export function useConsole() {
  const browser = useBrowser();
  const folder = temporaryFolder("console-");
  let supervisor: Supervisor | undefined;
  before(async () => {
    supervisor = await startSupervisor(folder.path);
  });
  after(async () => {
    await supervisor?.stop();
    folder.remove();
  });
  const running = (): Supervisor => {
    assert.ok(supervisor);
    return supervisor;
  };

  async function call(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await running().call(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  return {
    home: folder.path,
    browser,
    supervisor: running,
    /** Starts it again where it was, after it was stopped. */
    async startAgain(): Promise<void> {
      const { port } = new URL(running().ready.api);
      supervisor = await startSupervisor(folder.path, { HQ_PORT: port });
    },
    call,
    /** A link that signs in once. */
    link: async (): Promise<string> => (await call("POST", "/page/link")).url,
    /** Opens the page by such a link, at a view of it. */
    async open(t: TestContext, { at = "", ...how }: BrowserContextOptions & { at?: string } = {}) {
      const page = await openPage(t, browser(), await this.link(), how);
      await sees(page.getByRole("heading", { name: "Now", level: 1 }));
      if (at) await go(page, at);
      return page;
    },
    delegate: async (agent: string, objective: string, more: object = {}): Promise<string> =>
      (await call("POST", "/delegations", { agent, objective, ...more })).id,
    /** The delegation when it is settled. */
    settled: (id: string) => call("GET", `/delegations/${id}?wait=30s`),
    run: async (workflow: string, inputs: object): Promise<string> =>
      (await call("POST", "/runs", { workflow, inputs })).id,
  };
}

/** As if the address had been typed. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}

/** The line of a list that contains the text. */
export function line(page: Page, list: string | RegExp, text: string | RegExp) {
  return page.getByRole("list", { name: list }).getByRole("listitem").filter({ hasText: text });
}

/** Presses g and the letter of a view. */
export async function jump(page: Page, letter: string, heading: string): Promise<void> {
  await page.keyboard.press("g");
  await page.keyboard.press(letter);
  await sees(page.getByRole("heading", { name: heading, level: 1 }));
}
