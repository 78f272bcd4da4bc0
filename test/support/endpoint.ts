import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./supervisor.ts";

/** The shipped configuration, with the endpoint for interactions switched on. */
export function configWithEndpoint(home: string): string {
  const config = join(home, "config");
  if (existsSync(config)) return config;
  cpSync(join(ROOT, "config"), config, { recursive: true });
  const path = join(config, "hq.yaml");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/^discord:\n/m, "discord:\n  interactions_endpoint: true\n"));
  return config;
}

/** What the person does who owns the application: tells Discord where interactions go. */
export async function setEndpoint(restApi: string, api: string | null): Promise<void> {
  const response = await fetch(`${restApi}/v10/applications/@me`, {
    method: "PATCH",
    headers: { authorization: "Bot anything", "content-type": "application/json" },
    body: JSON.stringify({ interactions_endpoint_url: api && `${api}/discord/interactions` }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}
