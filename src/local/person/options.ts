import type { APIApplicationCommandOption } from "discord-api-types/v10";
import { type Problem, Refusal } from "../../kernel/refusal.ts";
import { asText, type Body, isObject } from "../check/form.ts";
import { T } from "../check/kinds.ts";
import type { Core } from "../core.ts";

/** An option's value as Discord's client sends it. */
export type Sent = {
  readonly name: string;
  readonly type: number;
  readonly value?: string | number | boolean;
  readonly focused?: true;
  readonly options?: readonly Sent[];
};

export type Branch = { readonly options: readonly APIApplicationCommandOption[]; readonly wrap: Wrap };
type Wrap = (sent: readonly Sent[]) => readonly Sent[];

const isBranch = (type: number) => type === T.Subcommand || type === T.SubcommandGroup;

/** Walks down to the named subcommand; `words` is what follows the command's name. */
export function branchOf(
  options: readonly APIApplicationCommandOption[],
  words: readonly string[],
  wrap: Wrap = (sent) => sent,
): Branch {
  const nested = options.filter((one) => isBranch(one.type));
  if (nested.length === 0) {
    if (words.length > 0) throw new Refusal("invalid_input", `There is no subcommand ${words.join(" ")}.`);
    return { options, wrap };
  }
  const chosen = nested.find((one) => one.name === words[0]);
  if (!chosen) {
    throw new Refusal("invalid_input", `Choose a subcommand: ${nested.map((one) => one.name).join(", ")}.`);
  }
  const inner = "options" in chosen ? (chosen.options ?? []) : [];
  return branchOf(inner, words.slice(1), (sent) =>
    wrap([{ name: chosen.name, type: chosen.type, options: sent }]),
  );
}

/** Turns values by name into options, checked as Discord's client checks them; tells every problem at once. */
export function readOptions({
  world,
  attach,
  options,
  given,
  focused,
}: {
  world: Core["world"];
  /** Keeps a file that is given as an option; returns its id. */
  attach: (value: Body) => string;
  options: readonly APIApplicationCommandOption[];
  given: Body;
  /** The option that is being typed: then nothing is required, and its text is taken as it is. */
  focused?: string | undefined;
}): Sent[] {
  const problems: Problem[] = [];
  for (const name of Object.keys(given)) {
    if (!options.some((one) => one.name === name)) {
      problems.push({ path: `options.${name}`, message: "There is no such option." });
    }
  }
  const sent = options.flatMap((option): Sent[] => {
    const value = given[option.name];
    if (focused === option.name) {
      return [{ name: option.name, type: option.type, value: asText(value), focused: true }];
    }
    if (value === undefined || value === null || value === "") {
      if (option.required && focused === undefined) {
        problems.push({ path: `options.${option.name}`, message: "This option is required." });
      }
      return [];
    }
    const read = readValue(option, value);
    if (typeof read !== "object") return [{ name: option.name, type: option.type, value: read }];
    if (focused === undefined) problems.push({ path: `options.${option.name}`, message: read.message });
    return [];
  });
  const [first] = problems;
  if (first) {
    throw new Refusal("invalid_input", `${first.path.replace(/^options\./, "")}: ${first.message}`, {
      problems,
    });
  }
  return sent;

  function readValue(
    option: APIApplicationCommandOption,
    value: unknown,
  ): string | number | boolean | { message: string } {
    switch (option.type as number) {
      case T.String: {
        const text = asText(value);
        if ("choices" in option && option.choices?.length) return choose(option.choices, text);
        const { min_length: min = 0, max_length: max = 6000 } = option as {
          min_length?: number;
          max_length?: number;
        };
        if (text.length < min) return { message: `At least ${min} characters.` };
        return text.length > max ? { message: `At most ${max} characters; this has ${text.length}.` } : text;
      }
      case T.Integer:
      case T.Number: {
        const isInteger = (option.type as number) === T.Integer;
        const number = typeof value === "string" && value.trim() === "" ? Number.NaN : Number(value);
        if ("choices" in option && option.choices?.length) return choose(option.choices, value);
        if (!Number.isFinite(number)) return { message: "A number is needed." };
        if (isInteger && !Number.isSafeInteger(number)) return { message: "A whole number is needed." };
        const { min_value: min, max_value: max } = option as { min_value?: number; max_value?: number };
        if (min !== undefined && number < min) return { message: `At least ${min}.` };
        return max !== undefined && number > max ? { message: `At most ${max}.` } : number;
      }
      case T.Boolean:
        return value === true || value === "true"
          ? true
          : value === false || value === "false"
            ? false
            : { message: "True or false is needed." };
      case T.User:
        return world.memberNamed(asText(value))?.id ?? { message: "There is no such member." };
      case T.Channel:
        return world.placeNamed(asText(value))?.id ?? { message: "There is no such channel." };
      case T.Role:
        return roleNamed(asText(value)) ?? { message: "There is no such role." };
      case T.Mentionable:
        return (
          world.memberNamed(asText(value))?.id ??
          roleNamed(asText(value)) ?? { message: "There is nobody so called." }
        );
      case T.Attachment:
        return isObject(value) ? attach(value) : { message: "A file is needed: {filename, base64}." };
      default:
        return { message: "This option cannot be given a value." };
    }
  }

  function roleNamed(word: string): string | undefined {
    const name = word.replace(/^@&?/, "");
    const { roles } = world.population;
    return roles.has(name) ? name : [...roles.values()].find((role) => role.name === name)?.id;
  }
}

function choose(
  choices: readonly { name: string; value: string | number }[],
  given: unknown,
): string | number | { message: string } {
  const text = asText(given);
  const found = choices.find((one) => String(one.value) === text) ?? choices.find((one) => one.name === text);
  return found?.value ?? { message: `One of: ${choices.map((one) => one.name).join(", ")}.` };
}
