import type { FastifyRequest } from "fastify";

/** A browser keeps one cookie for all ports of a host, so each supervisor's has its port in its name. */
const nameOf = (port: number) => `hq_page_${port}`;
const PLACE = "Path=/api/v1; HttpOnly; SameSite=Strict";

export function tokenIn(request: FastifyRequest, port: number): string | undefined {
  const name = nameOf(port);
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Over https it is never sent without. */
export function cookieFor(request: FastifyRequest, port: number, token: string, forMs: number): string {
  const secure = request.headers.origin?.startsWith("https://") ? "; Secure" : "";
  return `${nameOf(port)}=${token}; ${PLACE}; Max-Age=${Math.floor(forMs / 1000)}${secure}`;
}

export function cookieGone(port: number): string {
  return `${nameOf(port)}=; ${PLACE}; Max-Age=0`;
}
