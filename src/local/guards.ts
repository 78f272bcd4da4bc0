import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "../kernel/refusal.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const CHANGING = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/**
 * Who may talk to the guild at all: a name that points here (no DNS rebinding), and no page of another origin
 * that would change something. Throws a Refusal.
 */
export function createGuards({
  key,
  host,
  port,
}: {
  readonly key: string | undefined;
  /** The address it listens at. */
  readonly host: string;
  readonly port: () => number;
}) {
  const names = LOOPBACK.includes(host) ? LOOPBACK : [...LOOPBACK, host.toLowerCase()];
  const hosts = () => names.map((name) => `${name}:${port()}`);

  function checkHost(headers: IncomingHttpHeaders): void {
    if (hosts().includes((headers.host ?? "").toLowerCase())) return;
    throw new Refusal("foreign_origin", "This server answers only to its own address.", {
      hint: `Use http://${host}:${port()}.`,
    });
  }

  function checkOrigin(headers: IncomingHttpHeaders): void {
    const { origin } = headers;
    const site = headers["sec-fetch-site"];
    const isOwn = origin === undefined || hosts().some((name) => origin.toLowerCase() === `http://${name}`);
    const isNear = site === undefined || site === "same-origin" || site === "none";
    if (isOwn && isNear) return;
    throw new Refusal("foreign_origin", "Other web pages cannot act here.");
  }

  return {
    checkRequest(method: string, headers: IncomingHttpHeaders): void {
      checkHost(headers);
      if (CHANGING.has(method)) checkOrigin(headers);
    },
    checkUpgrade(headers: IncomingHttpHeaders): void {
      checkHost(headers);
      checkOrigin(headers);
    },
    checkKey(headers: IncomingHttpHeaders): void {
      if (key === undefined) return;
      const given = Buffer.from(/^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "");
      const expected = Buffer.from(key);
      if (given.length === expected.length && timingSafeEqual(given, expected)) return;
      throw new Refusal("unauthenticated", "The guild's key is missing or wrong.", {
        hint: "Open the address that `hq start` printed, or send `Authorization: Bearer <key>`.",
      });
    },
  };
}

export type Guards = ReturnType<typeof createGuards>;
