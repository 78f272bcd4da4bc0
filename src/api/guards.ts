import { Refusal } from "../kernel/refusal.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"] as const;
/** Methods that change nothing; with an upgrade they do count as changing. */
const SAFE_METHODS = new Set(["GET", "HEAD"]);

/** `name:port` of everything this API answers to: loopback with our port, and what config adds (our port when it names none). */
export function ownHosts(port: number, allowedHosts: readonly string[]): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const name of [...LOOPBACK_NAMES, ...allowedHosts]) {
    const lower = name.toLowerCase();
    hosts.add(/:\d+$/.test(lower) ? lower : `${lower}:${port}`);
  }
  for (const name of allowedHosts) hosts.add(withPort(name.toLowerCase(), "80"));
  return hosts;
}

function withPort(host: string, defaultPort: string): string {
  return /:\d+$/.test(host) ? host : `${host}:${defaultPort}`;
}

function isOwnOrigin(origin: string, hosts: ReadonlySet<string>): boolean {
  const match = /^(https?):\/\/([^/]+)$/.exec(origin.toLowerCase());
  const [, scheme, host] = match ?? [];
  if (!scheme || !host) return false;
  if (scheme === "https" && !/:\d+$/.test(host)) return hosts.has(`${host}:80`) || hosts.has(`${host}:443`);
  return hosts.has(withPort(host, "80"));
}

/**
 * Refuses what a foreign web page could make a browser send: a Host that is not ours (DNS rebinding), and any
 * changing request or upgrade whose Origin or Sec-Fetch-Site is foreign. Programs send neither header.
 */
export function refuseForeign(
  request: { readonly method: string; readonly headers: Headers },
  hosts: ReadonlySet<string>,
): void {
  const { host, origin, upgrade, "sec-fetch-site": site } = request.headers;
  if (typeof host !== "string" || !hosts.has(withPort(host.toLowerCase(), "80"))) {
    throw new Refusal("foreign_origin", "The Host header does not name this supervisor.", {
      hint: "Use 127.0.0.1 or localhost with its port, or list the name under api.allowed_hosts in config/hq.yaml.",
    });
  }
  if (SAFE_METHODS.has(request.method) && upgrade === undefined) return;
  if (origin !== undefined && (typeof origin !== "string" || !isOwnOrigin(origin, hosts))) {
    throw new Refusal("foreign_origin", "Another web page may not change anything here.");
  }
  const isSiteFine =
    site === undefined ||
    site === "same-origin" ||
    site === "none" ||
    (site === "same-site" && origin !== undefined);
  if (!isSiteFine) throw new Refusal("foreign_origin", "Another web page may not change anything here.");
}

/**
 * A browser sends the page's cookie by itself, so whatever carries it must come from the page: what changes something
 * says so by its Origin (or Sec-Fetch-Site, where there is none), and reading by another page is refused too.
 */
export function refuseForeignCookie(
  request: { readonly method: string; readonly headers: Headers },
  hosts: ReadonlySet<string>,
): void {
  const { origin, upgrade, "sec-fetch-site": site } = request.headers;
  const isOwnSite = site === undefined || site === "same-origin" || site === "none";
  const isSafe = SAFE_METHODS.has(request.method) && upgrade === undefined;
  const isProved = typeof origin === "string" ? isOwnOrigin(origin, hosts) : site === "same-origin";
  if (isOwnSite && (isSafe || isProved)) return;
  throw new Refusal("foreign_origin", "Only the supervisor's own page may use its sign-in.", {
    hint: "Programs send Authorization: Bearer with the key, and no cookie.",
  });
}
