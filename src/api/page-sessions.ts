import { createHash, randomBytes } from "node:crypto";

const CODE_FOR_MS = 10 * 60_000;
const SESSION_FOR_MS = 12 * 3_600_000;
const MOST_CODES = 100;
const MOST_SESSIONS = 1000;

export type PageCode = { readonly code: string; readonly expiresAt: number };

/** Somebody who signed in on the page. `over` is aborted when that ends, so that open streams end with it. */
export type PageSession = { readonly expiresAt: number; readonly over: AbortSignal };

export type PageSessions = {
  /** A word that signs in once, within ten minutes. */
  readonly makeCode: () => PageCode;
  /** Whether the code was good; it is not any more. */
  readonly spend: (code: string) => boolean;
  readonly open: () => { readonly token: string; readonly session: PageSession };
  readonly find: (token: string) => PageSession | undefined;
  readonly end: (token: string) => void;
  readonly endAll: () => void;
};

type Kept = PageSession & { readonly finish: () => void };

/**
 * Who is signed in on the page. Kept in memory alone, and only digests of what was given out: a restart, or reading this
 * process's tables, signs nobody in.
 */
export function createPageSessions(now: () => number): PageSessions {
  const codes = new Map<string, number>();
  const sessions = new Map<string, Kept>();

  function end(digest: string): void {
    sessions.get(digest)?.finish();
    sessions.delete(digest);
  }

  return {
    makeCode() {
      const code = randomWord();
      const expiresAt = now() + CODE_FOR_MS;
      codes.set(digestOf(code), expiresAt);
      dropOldest(codes, MOST_CODES, (digest) => codes.delete(digest));
      return { code, expiresAt };
    },
    spend(code) {
      const digest = digestOf(code);
      const expiresAt = codes.get(digest);
      codes.delete(digest);
      return expiresAt !== undefined && now() < expiresAt;
    },
    open() {
      const token = randomWord();
      const digest = digestOf(token);
      const ending = new AbortController();
      const timer = setTimeout(() => end(digest), SESSION_FOR_MS).unref();
      const session = { expiresAt: now() + SESSION_FOR_MS, over: ending.signal };
      const finish = () => {
        clearTimeout(timer);
        ending.abort();
      };
      sessions.set(digest, { ...session, finish });
      dropOldest(sessions, MOST_SESSIONS, end);
      return { token, session };
    },
    find(token) {
      const digest = digestOf(token);
      const session = sessions.get(digest);
      if (!session || now() < session.expiresAt) return session;
      end(digest);
      return undefined;
    },
    end: (token) => end(digestOf(token)),
    endAll() {
      for (const digest of sessions.keys()) end(digest);
    },
  };
}

/** 256 bits, which nobody guesses. */
function randomWord(): string {
  return randomBytes(32).toString("base64url");
}

function digestOf(word: string): string {
  return createHash("sha256").update(word).digest("base64url");
}

function dropOldest<T>(kept: ReadonlyMap<string, T>, most: number, drop: (name: string) => void): void {
  if (kept.size <= most) return;
  const oldest = kept.keys().next();
  if (!oldest.done) drop(oldest.value);
}
