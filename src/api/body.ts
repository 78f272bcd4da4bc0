import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "../kernel/refusal.ts";

const RAW = "rawBody";
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODE = "Send the JSON as UTF-8, and not compressed.";

/** Reads application/json and nothing else (forms and text/plain are what foreign pages can send), and keeps the text. */
export function readOnlyJson(app: FastifyInstance): void {
  app.decorateRequest(RAW, "");
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, bytes: Buffer, done) => {
    const body = textOf(bytes);
    if (body === undefined)
      return done(new Refusal("invalid_input", "The body is not UTF-8.", { hint: ENCODE }));
    request.setDecorator(RAW, body);
    if (body === "") return done(null, undefined);
    return parse(request, body, (error, value) => {
      if (error) done(new Refusal("invalid_input", whyNotRead(body), { cause: error }));
      else done(null, value);
    });
  });
}

/** Undefined when it is no UTF-8: with other characters in it the work would be another one than was asked for. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The parser takes no key by which a prototype is reached. */
function whyNotRead(body: string): string {
  try {
    JSON.parse(body);
    return "The body has a key that is not read here: __proto__, or constructor with prototype.";
  } catch {
    return "The body is not JSON.";
  }
}

/** The body as it was sent. */
export function rawBodyOf(request: FastifyRequest): string {
  return request.getDecorator<string>(RAW);
}
