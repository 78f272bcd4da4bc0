import fastifyStatic from "@fastify/static";
import type { ApiApp } from "./parts.ts";

/** Only what lies in src/page runs, nothing may be framed, and no text ever becomes markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The page itself: anybody who reaches the door may load it, and it shows nothing until they sign in. */
export async function pageFiles(app: ApiApp): Promise<void> {
  await app.register(fastifyStatic, {
    root: `${import.meta.dirname}/../page`,
    prefix: "/page/",
    index: false,
    cacheControl: false,
    setHeaders(reply) {
      reply.header("cache-control", "no-cache");
      reply.header("content-security-policy", POLICY);
    },
  });
  app.get("/", { exposeHeadRoute: true, schema: { hide: true } }, (_, reply) => reply.sendFile("index.html"));
}
