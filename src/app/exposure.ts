import { isCredential } from "../api/auth.ts";
import { isLoopback } from "../domain/agent-card.ts";
import type { Settings } from "../domain/settings.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Env } from "./mode.ts";

/** As long as what is made at the first start is at least; 32 letters cannot be tried out over a network. */
const LEAST_KEY = 32;

/** Whether other machines reach REST: by its own address, or through a proxy. */
export function isExposed({ host, publicUrl }: Settings["api"]): boolean {
  return !isLoopback(host) || publicUrl !== undefined;
}

/** A key that can be guessed is refused where others may try: it opens everything. So is one that nobody can send. */
export function refuseUnfitKey(api: Settings["api"], env: Env): void {
  const refusal = unfitKey(api, env);
  if (refusal) throw refusal;
}

/** Why the key cannot be used, or is not enough for who would reach REST; undefined when it is good. */
export function unfitKey(api: Settings["api"], env: Env): Refusal | undefined {
  const key = env.ORCHESTRATOR_API_KEY;
  const hint = "as in: openssl rand -base64 32. Without the variable one is made in HQ_HOME/api.key.";
  if (key && !isCredential(key)) {
    return new Refusal(
      "invalid_input",
      "ORCHESTRATOR_API_KEY is no key that a request can carry: it has a blank or a letter beyond ASCII, or more than 512 characters.",
      { hint: `Choose another one, ${hint}` },
    );
  }
  if (!key || key.length >= LEAST_KEY || !isExposed(api)) return undefined;
  return new Refusal(
    "invalid_input",
    `ORCHESTRATOR_API_KEY has ${key.length} characters, and other machines reach REST (${exposureText(api)}).`,
    { hint: `Use at least ${LEAST_KEY}, ${hint}` },
  );
}

/** Who reaches REST and the page, in a sentence. */
export function exposureText({ host, publicUrl, allowedHosts }: Settings["api"]): string {
  const names = [...allowedHosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).host])];
  const called = names.length === 0 ? "" : `, as ${names.join(", ")}`;
  if (!isLoopback(host)) return `it listens on ${host}${called}`;
  return publicUrl === undefined ? "this machine only" : `through ${publicUrl}`;
}
