import { sameText, sign } from "../kernel/id.ts";

/** What an agent without a shared folder hands its work in with: good for one run, and it says which attempt. */
export type HandoffTokens = {
  readonly tokenFor: (run: string, attempt: number) => string;
  /** The attempt the token was made for; undefined when it is not this run's. */
  readonly verify: (token: string, run: string) => number | undefined;
};

const TOKEN = /^([1-9]\d{0,3})\.([\w-]{43})$/;

/** `<attempt>.<HMAC-SHA-256 of scope, run and attempt>`. The scope keeps it from being good for anything else. */
export function createHandoffTokens(secret: string | Uint8Array): HandoffTokens {
  const macOf = (run: string, attempt: number) => sign(secret, `handoff\n${run}\n${attempt}`);
  return {
    tokenFor: (run, attempt) => `${attempt}.${macOf(run, attempt)}`,
    verify(token, run) {
      const [, digits, mac] = TOKEN.exec(token) ?? [];
      if (digits === undefined || mac === undefined) return undefined;
      const attempt = Number(digits);
      return sameText(mac, macOf(run, attempt)) ? attempt : undefined;
    },
  };
}
