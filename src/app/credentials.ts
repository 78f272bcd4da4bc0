import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { digestOf, sign } from "../kernel/id.ts";

/** What proves who asks. The key and the secret are made at the first start, mode 0600. */
export type Credentials = {
  readonly apiKey: string;
  /** Signs agents' tokens and handoff tokens. */
  readonly secret: string;
};

export function loadCredentials(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): Credentials {
  return {
    apiKey: env.ORCHESTRATOR_API_KEY || keptKey(join(home, "api.key")),
    secret: keptKey(join(home, "secret.key")),
  };
}

function keptKey(path: string): string {
  if (existsSync(path)) {
    const key = readFileSync(path, "utf8").trim();
    if (key.length >= 32) return key;
  }
  const key = randomBytes(32).toString("base64url");
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  return key;
}

/** An agent's token is its identity: `hqa.<id>.<mac>`. */
export function agentToken(secret: string, agent: string): string {
  return `hqa.${agent}.${sign(secret, `agent:${agent}`)}`;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));
}

/** Who a bearer credential belongs to; undefined = nobody. */
export function createActorFor(credentials: Credentials, registry: () => Registry) {
  return (credential: string): Actor | undefined => {
    if (isSame(credential, credentials.apiKey)) return { kind: "operator" };
    const id = /^hqa\.([^.]+)\./.exec(credential)?.[1];
    if (id === undefined || registry().find(id)?.id !== id) return undefined;
    return isSame(credential, agentToken(credentials.secret, id)) ? { kind: "agent", id } : undefined;
  };
}
