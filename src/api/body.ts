import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "../kernel/refusal.ts";

const RAW = "rawBody";

/** Reads application/json and nothing else (forms and text/plain are what foreign pages can send), and keeps the text. */
export function readOnlyJson(app: FastifyInstance): void {
  app.decorateRequest(RAW, "");
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body: string, done) => {
    request.setDecorator(RAW, body);
    if (body === "") return done(null, undefined);
    return parse(request, body, (error, value) => {
      if (error) done(new Refusal("invalid_input", "The body is not JSON.", { cause: error }));
      else done(null, value);
    });
  });
}

/** The body as it was sent. */
export function rawBodyOf(request: FastifyRequest): string {
  return request.getDecorator<string>(RAW);
}
