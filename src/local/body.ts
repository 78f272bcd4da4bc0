import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { FILE_BYTES, MOST_FILES, REQUEST_BYTES, type Upload } from "./attachments.ts";
import { type Body, isObject } from "./check/form.ts";
import { DiscordError } from "./errors.ts";

export type Read = { readonly body: Body; readonly uploads: readonly Upload[] };

/** JSON and nothing else; an empty body is no body. */
export function onlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, text, done) => {
    if (text === "") done(null, undefined);
    else void parse(request, String(text), done);
  });
}

/** Allows `multipart/form-data` on the routes of this plugin. */
export async function allowUploads(app: FastifyInstance): Promise<void> {
  await app.register(multipart, {
    limits: { fileSize: FILE_BYTES, files: MOST_FILES, fieldSize: 1024 * 1024, fields: 20, parts: 40 },
  });
}

/** The body of a request, from JSON or from `payload_json` and `files[n]`. */
export async function readBody(request: FastifyRequest): Promise<Read> {
  if (!request.isMultipart?.()) return { body: isObject(request.body) ? request.body : {}, uploads: [] };
  const uploads: Upload[] = [];
  let body: Body = {};
  let received = 0;
  for await (const part of request.parts()) {
    if (part.type === "file") {
      const index = Number(/^files\[(\d+)\]$/.exec(part.fieldname)?.[1] ?? uploads.length);
      const bytes = await part.toBuffer().catch((cause: unknown) => {
        throw isTooLarge(cause) ? new DiscordError(40005) : cause;
      });
      received += bytes.length;
      if (received > REQUEST_BYTES) throw new DiscordError(40005);
      uploads.push({ index, filename: part.filename, contentType: part.mimetype, bytes });
    } else if (part.fieldname === "payload_json") {
      body = parseObject(String(part.value));
    }
  }
  return { body, uploads };
}

const isTooLarge = (cause: unknown) =>
  cause instanceof Error && "code" in cause && cause.code === "FST_REQ_FILE_TOO_LARGE";

function parseObject(text: string): Body {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new DiscordError(50109);
}
