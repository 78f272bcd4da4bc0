import { readFileSync } from "node:fs";
import type { ClientConfig } from "pg";
import { Refusal } from "../../kernel/refusal.ts";

export type Address = {
  readonly config: ClientConfig;
  /** For people: host, port and database, without user and password. */
  readonly place: string;
  /** Whether a server without TLS may be used after one try with it. */
  readonly mayFallBack: boolean;
};

type Ssl = Exclude<ClientConfig["ssl"], undefined>;

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];
const KNOWN: ReadonlySet<string> = new Set([
  "host",
  "port",
  "user",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "connect_timeout",
  "application_name",
]);
const HINT = "It looks like postgres://user:password@host:5432/database?sslmode=verify-full.";

/** Reads a database's address as libpq does; what it cannot mean is refused without repeating it, since it may hold a password. */
export function readAddress(text: string): Address {
  const url = parseUrl(text);
  const unknown = [...url.searchParams.keys()].filter((name) => !KNOWN.has(name));
  if (unknown.length > 0) {
    throw new Refusal(
      "invalid_input",
      `The database's address has settings that nobody knows: ${unknown.join(", ")}.`,
      {
        hint: `Known ones: ${[...KNOWN].join(", ")}.`,
      },
    );
  }
  const setting = (name: string) => url.searchParams.get(name) ?? undefined;
  const host = setting("host") ?? (decoded(url.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost");
  const port = Number(setting("port") ?? (url.port || 5432));
  const database = decoded(url.pathname.slice(1));
  if (database === "")
    throw new Refusal("invalid_input", "The database's address names no database.", { hint: HINT });
  const isLocal = host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
  const mode = readMode(setting("sslmode") ?? (isLocal ? "disable" : "prefer"));
  const user = setting("user") ?? decoded(url.username);
  const password = decoded(url.password);
  return {
    config: {
      host,
      port,
      database,
      ...(user ? { user } : {}),
      ...(password ? { password } : {}),
      ssl: host.startsWith("/") ? false : sslOf(mode, setting),
      application_name: setting("application_name") ?? "atomizer-hq",
    },
    place: host.startsWith("/") ? `${database} at ${host}` : `${database} at ${host}:${port}`,
    mayFallBack: mode === "allow" || mode === "prefer",
  };
}

/** What of an address must never be seen. */
export function secretsOf(text: string | undefined): readonly string[] {
  if (text === undefined || !URL.canParse(text)) return text ? [text] : [];
  const { password } = new URL(text);
  return password === "" ? [] : [...new Set([text, password, decoded(password)])];
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    throw new Refusal("invalid_input", "What names the database is no address of a PostgreSQL database.", {
      hint: HINT,
    });
  }
  return new URL(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(
      "invalid_input",
      "The database's address has a % that is followed by no two hexadecimal digits.",
      {
        hint: "Write % as %25, also in the password.",
      },
    );
  }
}

function readMode(text: string): Mode {
  const mode = MODES.find((one) => one === text);
  if (mode) return mode;
  throw new Refusal("invalid_input", `The database's address has the sslmode "${text}".`, {
    hint: `It may be ${MODES.join(", ")}.`,
  });
}

function sslOf(mode: Mode, setting: (name: string) => string | undefined): Ssl {
  if (mode === "disable") return false;
  const rootPath = setting("sslrootcert");
  const certPath = setting("sslcert");
  const keyPath = setting("sslkey");
  const files = {
    ...(rootPath && rootPath !== "system" ? { ca: read("sslrootcert", rootPath) } : {}),
    ...(certPath ? { cert: read("sslcert", certPath) } : {}),
    ...(keyPath ? { key: read("sslkey", keyPath) } : {}),
  };
  if (mode === "verify-full") return { ...files, rejectUnauthorized: true };
  if (mode === "verify-ca")
    return { ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  return { ...files, rejectUnauthorized: false };
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Refusal(
      "invalid_input",
      `The database's address names a file for ${name} that cannot be read: ${path}`,
      {
        cause,
      },
    );
  }
}
