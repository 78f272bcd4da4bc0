import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import { type DelegationState, isSettled } from "../domain/delegation-types.ts";
import { digestOf, sign } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { keptLine } from "./kept-line.ts";

const LEAST_SECRET = 32;

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
    secret: givenSecret(env["HQ_SECRET"]) ?? keptKey(join(home, "secret.key")),
  };
}

/** Refuses a secret that can be guessed, as the start does. */
export function checkSecret(env: Readonly<Record<string, string | undefined>>): void {
  givenSecret(env["HQ_SECRET"]);
}

function givenSecret(text: string | undefined): string | undefined {
  if (!text || text.length >= LEAST_SECRET) return text || undefined;
  throw new Refusal("invalid_input", `HQ_SECRET has fewer than ${LEAST_SECRET} characters.`, {
    hint: "Make one with `openssl rand -base64 32`, the same for every member; or unset it: then the ledger keeps one.",
  });
}

/** What the members of one ledger share is kept here too, for the command line. */
export function keepSecret(home: string, secret: string): void {
  const path = join(home, "secret.key");
  if (existsSync(path) && readFileSync(path, "utf8").trim() === secret) return;
  writeAtomically(path, `${secret}\n`, 0o600);
}

function keptKey(path: string): string {
  const isWhole = (key: string) => key.length >= LEAST_SECRET && !key.includes("\0");
  return keptLine(path, isWhole, () => randomBytes(32).toString("base64url"));
}

/** An agent's token is its identity: `hqa.<id>.<mac>`. */
export function agentToken(secret: string, agent: string): string {
  return `hqa.${agent}.${sign(secret, `agent:${agent}`)}`;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));
}

/**
 * What binds whatever an agent asks for to the run it works on: `hqr.<run>.<attempt>.<mac>`. It stands in the prompt of
 * that attempt and is always the same. Its scope keeps it from being good for handing in, and the other way round.
 */
export function runToken(
  secret: string,
  work: { readonly run: string; readonly attempt: number; readonly agent: string },
): string {
  const { run, attempt, agent } = work;
  return `hqr.${run}.${attempt}.${sign(secret, `delegate\n${run}\n${attempt}\n${agent}`)}`;
}

const RUN_TOKEN = /^hqr\.(.+)\.([1-9]\d{0,3})\.[\w-]{43}$/;

/** A delegation, as far as its token is concerned. */
export type WorkOf = (run: string) => Promise<DelegationState | undefined>;

/** Who a bearer credential belongs to; undefined = nobody. Throws a Refusal for a token that was good once. */
export function createActorFor(credentials: Credentials, registry: () => Registry, workOf: WorkOf) {
  async function workerBy(token: string): Promise<Actor | undefined> {
    const [, run = "", digits = ""] = RUN_TOKEN.exec(token) ?? [];
    const state = run === "" ? undefined : await workOf(run);
    if (!state) return undefined;
    const { agent } = state.order;
    if (!isSame(token, runToken(credentials.secret, { run, attempt: Number(digits), agent })))
      return undefined;
    refuseSpent(state, Number(digits));
    return { kind: "agent", id: agent, run };
  }

  return async (credential: string): Promise<Actor | undefined> => {
    if (isSame(credential, credentials.apiKey)) return { kind: "operator" };
    if (credential.startsWith("hqr.")) return workerBy(credential);
    const id = /^hqa\.([^.]+)\./.exec(credential)?.[1];
    if (id === undefined || registry().find(id)?.id !== id) return undefined;
    return isSame(credential, agentToken(credentials.secret, id)) ? { kind: "agent", id } : undefined;
  };
}

function refuseSpent(state: DelegationState, attempt: number): void {
  const { id } = state.order;
  if (isSettled(state.status)) {
    throw new Refusal("already_settled", `${id} is ${state.status}: its token is good for nothing more.`, {
      hint: "Nothing more can be asked in that run. Hand back what you have; whoever asked can ask anew.",
    });
  }
  const now = currentAttempt(state).attempt;
  if (attempt === now) return;
  throw new Refusal("unauthenticated", `The token is of attempt ${attempt} of ${id}, which is over.`, {
    hint: `Attempt ${now} has its own token, in its prompt.`,
  });
}
