import type { ConfigProblem } from "../domain/config.ts";
import { problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

const SECRET_KEY = /^(.*[_-])?(token|secret|password|passwd|bearer|authorization|api[_-]?key|credentials?)$/i;
/** The half of a key pair that everybody may know looks like any other key. */
const PUBLIC_KEY = "public_key";
const PUBLIC_VALUE = /^[0-9a-f]{64}$/i;
const SECRET_VALUE: readonly RegExp[] = [
  /\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}/, // a Discord bot token
  /\bBearer\s+\S{8,}/i,
  /\b(sk|pk|ghp|gho|xox[abp])[-_][\w-]{16,}/,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/, // a JSON web token
  /(?<![\w-])[0-9a-f]{32,}(?![\w-])/i,
  /:\/\/[^/\s:@]*:[^/\s@]+@/, // user:password in an address
];

const WHERE = "put it into .env and write the variable's name here with token_env";

export function looksLikeSecret(text: string): boolean {
  if (SECRET_VALUE.some((pattern) => pattern.test(text))) return true;
  // Long runs of letters and digits that are no words: at least one digit, upper and lower case.
  return /(?<![\w/.-])(?=\w*\d)(?=\w*[a-z])(?=\w*[A-Z])[\w-]{36,}(?![\w/.-])/.test(text);
}

/** Keys and values that hold a secret; the value itself is not repeated. */
export function secretsIn(source: YamlSource): readonly ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const walk = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === "string" && looksLikeSecret(value)) {
      found.push(
        problemAt(source, path, "looks like a secret: configuration files are committed and shown", {
          suggestion: WHERE,
        }),
      );
    }
    if (typeof value !== "object" || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      if (key === PUBLIC_KEY && typeof part === "string" && PUBLIC_VALUE.test(part)) continue;
      const here = [...path, Array.isArray(value) ? Number(key) : key];
      if (typeof part === "string" && SECRET_KEY.test(key)) {
        found.push(
          problemAt(source, here, `"${key}" would hold a secret, and secrets never go into these files`, {
            suggestion: WHERE,
            part: "key",
          }),
        );
      } else walk(part, here);
    }
  };
  walk(source.value, []);
  return found;
}
