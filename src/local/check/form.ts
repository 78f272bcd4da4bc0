import { type FormProblem, invalidForm } from "../errors.ts";

export type Body = Readonly<Record<string, unknown>>;

/** Collects what is wrong with a body, in Discord's words, so that all of it is told at once. */
export type Form = ReturnType<typeof createForm>;

export const isObject = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Texts, numbers and truth values as text; anything else is none. */
export const asText = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";

export function createForm() {
  const problems: FormProblem[] = [];
  const say = (path: string, code: string, message: string): undefined => {
    problems.push({ path, code, message });
    return undefined;
  };
  return {
    problems,
    say,
    /** A text within its lengths; undefined when absent (and not required) or wrong. */
    text(
      body: Body,
      key: string,
      at: string,
      { min = 0, max, required = false }: { min?: number; max: number; required?: boolean },
    ): string | undefined {
      const value = body[key];
      const path = at === "" ? key : `${at}.${key}`;
      if (value === undefined || value === null) {
        return required ? say(path, "BASE_TYPE_REQUIRED", "This field is required") : undefined;
      }
      if (typeof value !== "string") return say(path, "STRING_TYPE_CONVERT", "Could not interpret as text.");
      if (value.length > max || value.length < min) {
        return min > 0
          ? say(path, "BASE_TYPE_BAD_LENGTH", `Must be between ${min} and ${max} in length.`)
          : say(path, "BASE_TYPE_MAX_LENGTH", `Must be ${max} or fewer in length.`);
      }
      return value;
    },
    integer(
      body: Body,
      key: string,
      at: string,
      { min, max, or }: { min: number; max: number; or: number },
    ): number {
      const value = body[key];
      if (value === undefined || value === null) return or;
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      say(at === "" ? key : `${at}.${key}`, "NUMBER_TYPE_RANGE", `Must be a number from ${min} to ${max}.`);
      return or;
    },
    list(body: Body, key: string, at: string, { min = 0, max }: { min?: number; max: number }): Body[] {
      const value = body[key];
      const path = at === "" ? key : `${at}.${key}`;
      if (value === undefined || value === null) {
        if (min > 0) say(path, "BASE_TYPE_REQUIRED", "This field is required");
        return [];
      }
      if (!Array.isArray(value) || !value.every(isObject)) {
        say(path, "LIST_TYPE_CONVERT", "Only a list of objects is valid.");
        return [];
      }
      if (value.length < min || value.length > max) {
        say(path, "BASE_TYPE_BAD_LENGTH", `Must be between ${min} and ${max} in length.`);
      }
      return value;
    },
    /** Throws when anything was wrong. */
    done(): void {
      if (problems.length > 0) throw invalidForm(problems);
    },
  };
}
