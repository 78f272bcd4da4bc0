import { makeSigningKeys, signWith } from "../../kernel/signature.ts";
import { type Body, isObject } from "../check/form.ts";
import { invalidForm } from "../errors.ts";
import type { World } from "../state/world.ts";

const URL_SETTING = "interactions-endpoint";
const KEY_SETTING = "signing-key";
const PUBLIC_KEY_SETTING = "verify-key";
const FIELD = "interactions_endpoint_url";
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const PING = { type: 1 };
const PONG = 1;

/** What a program at the endpoint made of a request. */
type Said = { readonly status: number; readonly body: unknown };

export type Endpoint = ReturnType<typeof createEndpoint>;

/** The address at which an application wants its interactions, instead of over the gateway; requests are signed. */
export function createEndpoint({ world, waitMs }: { world: World; waitMs: number }) {
  function publicKey(): string {
    const known = world.setting(PUBLIC_KEY_SETTING);
    if (known !== undefined) return known;
    const made = makeSigningKeys();
    world.saveSetting(KEY_SETTING, made.privateKey);
    world.saveSetting(PUBLIC_KEY_SETTING, made.publicKey);
    return made.publicKey;
  }

  function privateKey(): string {
    publicKey();
    return world.setting(KEY_SETTING) ?? "";
  }

  const url = () => world.setting(URL_SETTING) || undefined;

  /** `spoil` turns the signature into a wrong one. Undefined when nobody answers in time. */
  async function send(to: string, body: object, spoil = false): Promise<Said | undefined> {
    const text = JSON.stringify(body);
    const timestamp = String(Math.floor(world.now() / 1000));
    const signature = signWith(privateKey(), Buffer.from(`${timestamp}${spoil ? "!" : ""}${text}`));
    try {
      const response = await fetch(to, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "Discord-Interactions/1.0 (local guild)",
          "x-signature-ed25519": signature,
          "x-signature-timestamp": timestamp,
        },
        body: text,
        redirect: "error",
        signal: AbortSignal.timeout(waitMs),
      });
      const said = await response.text();
      return { status: response.status, body: said === "" ? undefined : parse(said) };
    } catch {
      // Refused, cut off, too slow or no HTTP: for the person it is all the same.
      return undefined;
    }
  }

  /** Taken only when it answers a PING, and refuses one with a wrong signature. */
  async function set(next: unknown): Promise<void> {
    if (next === null || next === "") return world.saveSetting(URL_SETTING, "");
    if (typeof next !== "string" || !isAddress(next)) {
      throw refused("URL_TYPE_INVALID_URL", "Not a well formed https URL.");
    }
    const [pong, spoiled] = await Promise.all([send(next, PING), send(next, PING, true)]);
    const isRight = pong?.status === 200 && isObject(pong.body) && pong.body["type"] === PONG;
    if (!isRight || spoiled?.status !== 401) {
      throw refused(
        "APPLICATION_INTERACTIONS_ENDPOINT_INVALID",
        "The specified interactions endpoint url could not be verified.",
      );
    }
    world.saveSetting(URL_SETTING, next);
  }

  /** The first answer to an interaction; "later" when it is to come over REST, undefined when there was none. */
  async function deliver(to: string, payload: object): Promise<Body | "later" | undefined> {
    const said = await send(to, payload);
    if (said?.status === 202) return "later";
    return said?.status === 200 && isObject(said.body) ? said.body : undefined;
  }

  return { publicKey, url, set, deliver };
}

/** Discord itself wants https; here a program on this machine will do. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
}

function refused(code: string, message: string) {
  return invalidForm([{ path: FIELD, code, message }]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
