import { type Body, createForm, type Form, isObject } from "./form.ts";
import { T } from "./kinds.ts";

const SLASH_NAME = /^[-_'\p{L}\p{N}\p{sc=Devanagari}\p{sc=Thai}]{1,32}$/u;
const WHOLE_COMMAND = 8000;

/** Checks a command's definition by Discord's limits and drops what Discord drops. */
export function readCommand(body: Body, at = ""): Body {
  const form = createForm();
  const type = form.integer(body, "type", at, { min: 1, max: 3, or: 1 });
  const name = form.text(body, "name", at, { min: 1, max: 32, required: true });
  const prefix = at === "" ? "" : `${at}.`;
  if (type === 1) {
    checkName(form, name, `${prefix}name`);
    form.text(body, "description", at, { min: 1, max: 100, required: true });
  } else if (typeof body["description"] === "string" && body["description"] !== "") {
    form.say(`${prefix}description`, "APPLICATION_COMMAND_CONTEXT_DESCRIPTION", "Must be empty.");
  }
  checkOptions(form, body, at, 0);
  const characters = countText(body);
  if (characters > WHOLE_COMMAND) {
    form.say(at, "APPLICATION_COMMAND_TOO_LARGE", `A command may hold ${WHOLE_COMMAND} characters.`);
  }
  form.done();
  const options = Array.isArray(body["options"]) ? body["options"].map(withoutDefaults) : [];
  return {
    type,
    name,
    description: type === 1 ? body["description"] : "",
    ...(options.length > 0 ? { options } : {}),
    default_member_permissions: permissionText(body["default_member_permissions"]),
    name_localizations: body["name_localizations"] ?? null,
    description_localizations: body["description_localizations"] ?? null,
    contexts: body["contexts"] ?? null,
    integration_types: body["integration_types"] ?? [0],
    nsfw: body["nsfw"] === true,
  };
}

const permissionText = (value: unknown) => (typeof value === "string" ? value : null);

function checkName(form: Form, name: string | undefined, path: string): void {
  if (name === undefined) return;
  if (!SLASH_NAME.test(name) || name !== name.toLowerCase()) {
    form.say(path, "APPLICATION_COMMAND_INVALID_NAME", "Small letters, digits, - and _ only.");
  }
}

const isBranch = ({ type }: Body) => type === T.Subcommand || type === T.SubcommandGroup;

function checkOptions(form: Form, parent: Body, at: string, depth: number): void {
  const options = form.list(parent, "options", at, { max: 25 });
  const branches = options.filter(isBranch).length;
  if (branches > 0 && branches < options.length) {
    const path = `${at === "" ? "" : `${at}.`}options`;
    form.say(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands go with nothing else.");
  }
  let hadOptional = false;
  const names = new Set<unknown>();
  options.forEach((option, i) => {
    const path = `${at === "" ? "" : `${at}.`}options.${i}`;
    const type = form.integer(option, "type", path, { min: 1, max: 11, or: 0 });
    if (option["type"] === undefined)
      form.say(`${path}.type`, "BASE_TYPE_REQUIRED", "This field is required");
    checkName(form, form.text(option, "name", path, { min: 1, max: 32, required: true }), `${path}.name`);
    form.text(option, "description", path, { min: 1, max: 100, required: true });
    if (names.has(option["name"])) {
      form.say(`${path}.name`, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "This name is taken.");
    }
    names.add(option["name"]);
    if (isBranch(option)) {
      if (depth >= 2) form.say(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep.");
      return checkOptions(form, option, path, depth + 1);
    }
    if (option["required"] === true && hadOptional) {
      form.say(path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first.");
    }
    if (option["required"] !== true) hadOptional = true;
    const choices = form.list(option, "choices", path, { max: 25 });
    checkChoices(form, choices, type, `${path}.choices`);
    if (choices.length > 0 && option["autocomplete"] === true) {
      form.say(
        path,
        "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
        "Choices and autocomplete exclude each other.",
      );
    }
    form.integer(option, "min_length", path, { min: 0, max: 6000, or: 0 });
    form.integer(option, "max_length", path, { min: 1, max: 6000, or: 6000 });
  });
}

function checkChoices(form: Form, choices: readonly Body[], type: number, at: string): void {
  const names = new Set<unknown>();
  choices.forEach((choice, n) => {
    const path = `${at}.${n}`;
    form.text(choice, "name", path, { min: 1, max: 100, required: true });
    if (names.has(choice["name"])) {
      form.say(
        `${path}.name`,
        "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
        "This name is taken.",
      );
    }
    names.add(choice["name"]);
    if (type === T.String) form.text(choice, "value", path, { max: 100, required: true });
    else if (typeof choice["value"] !== "number") {
      form.say(`${path}.value`, "NUMBER_TYPE_COERCE", "Must be a number.");
    }
  });
}

/** Names, descriptions and choice values count. */
function countText(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countText(one), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce((sum, [key, inner]) => {
    const counts = key === "name" || key === "description" || key === "value";
    return sum + (counts && typeof inner === "string" ? inner.length : countText(inner));
  }, 0);
}

function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, inner]) => inner !== null && inner !== undefined && !(inner === false && key !== "value"),
      )
      .filter(([, inner]) => !(Array.isArray(inner) && inner.length === 0))
      .map(([key, inner]) => [key, withoutDefaults(inner)]),
  );
}
