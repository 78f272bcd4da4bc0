import type { Payload } from "../domain/payload.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Io } from "./io.ts";

/** JSON from an argument; `-` reads it from standard input. Whatever is no JSON object is wrong input. */
export async function readPayload(io: Io, flag: string, said: string): Promise<Payload> {
  const text = said === "-" ? await io.readInput() : said;
  const value = parseJson(flag, text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Payload;
  throw new Refusal("invalid_input", `${flag} is JSON, yet no object.`, {
    hint: `Write it in single quotes: ${flag} '{"task": "what is to be done"}'.`,
  });
}

/** Refusal `invalid_input` with the reason when it is not JSON. */
export function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal("invalid_input", `${what} is not JSON: ${why}.`, {
      cause,
      hint: `Write it in single quotes: '{"task": "what is to be done"}'.`,
    });
  }
}
