import { createHash, createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

function base32(value: bigint, length: number): string {
  let rest = value;
  let text = "";
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}

let pool = new Uint8Array(0);

/** Chance is fetched in bulk: asking the system for seven bytes costs as much as for a thousand. */
function nextChance(bytes: number): Uint8Array {
  if (pool.length < bytes) pool = randomBytes(1024);
  const chance = pool.subarray(0, bytes);
  pool = pool.subarray(bytes);
  return chance;
}

/** `<prefix>-<9 characters of time><10 of chance>`: ids of one prefix sort by the time they were made. */
export function newId(prefix: string, nowMs: number, chance: Uint8Array = nextChance(7)): string {
  const random = BigInt(`0x${Buffer.from(chance).toString("hex")}`);
  return `${prefix}-${base32(BigInt(nowMs), 9)}${base32(random, 10)}`;
}

/** SHA-256 as 64 hex characters. */
export function digestOf(body: string | Uint8Array): string {
  return hash("sha256", body, "hex");
}

/** The same, of what comes in parts. */
export function createDigest(): { readonly add: (part: Uint8Array) => void; readonly text: () => string } {
  const sum = createHash("sha256");
  return { add: (part) => void sum.update(part), text: () => sum.digest("hex") };
}

/** JSON with sorted keys: the same content has the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** An agent's sub-delegation has a derived id, so that starting it twice is a no-op. */
export function childId(parent: string, agent: string, objective: string): string {
  const id = `${parent}.${digestOf(`${agent}\n${objective}`).slice(0, 10)}`;
  return id.length <= 60 ? id : `orch-${digestOf(id).slice(0, 24)}`;
}

/** What ids look like that people or programs may choose (`--run-id`): safe as a file name everywhere. */
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,79}$/;

export function isRunId(text: string): boolean {
  return RUN_ID.test(text) && !text.includes("..");
}

/** At most 25 characters, the same for the same delivery part: Discord's `nonce`. */
export function nonceOf(delivery: string, part: number): string {
  return BigInt(`0x${digestOf(`${delivery}#${part}`).slice(0, 30)}`)
    .toString(36)
    .padStart(24, "0")
    .slice(0, 24);
}

/** HMAC-SHA-256 in base64url. */
export function sign(secret: string | Uint8Array, text: string): string {
  return createHmac("sha256", secret).update(text).digest("base64url");
}

/** Whether two secrets are equal, in a time that tells nothing about either. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
