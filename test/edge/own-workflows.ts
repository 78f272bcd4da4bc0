import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/supervisor.ts";

/** One gate that people of two roles may decide, and a step behind it. */
export const PAIR = `
name: pair
description: Two may approve.
steps:
  sign-off:
    approval: { prompt: "Go on?", approvers: [role:Engineering, role:Operators], timeout: 1h }
  after:
    needs: [sign-off]
    agent: secretary
    task: "Take a note."
`;

/** Two steps fail, and people are asked. */
export const FAILING = `
name: failing
description: Two fail, and people are asked what shall be done.
limits: { max_failures: 2 }
steps:
  one: { agent: webster, task: "[fail]", retry: { max_attempts: 1 } }
  two: { agent: secretary, task: "[fail]", retry: { max_attempts: 1 } }
  three: { agent: auditor, task: "[slow 10m]" }
  four: { needs: [three], agent: auditor, task: "Sum up." }
`;

/** The shipped configuration in a home, with workflows of the test's own. */
export function withWorkflows(home: string, ...texts: readonly string[]): string {
  const config = join(home, "config");
  const dir = join(home, "own-workflows");
  cpSync(join(ROOT, "config"), config, { recursive: true });
  mkdirSync(dir);
  for (const text of texts) writeFileSync(join(dir, `${/name: (\S+)/.exec(text)?.[1]}.yaml`), text);
  writeFileSync(join(config, "hq.yaml"), `workflows: { dir: ${JSON.stringify(dir)} }\n`);
  return config;
}
