import type { Component } from "../state/documents.ts";
import { type Form, isObject } from "./form.ts";
import { C, STYLE } from "./kinds.ts";

const SELECTS: readonly number[] = [
  C.StringSelect,
  C.UserSelect,
  C.RoleSelect,
  C.MentionableSelect,
  C.ChannelSelect,
];

export const isSelect = (type: number): boolean => SELECTS.includes(type);

export function checkButton(form: Form, button: Component, at: string): void {
  const style = form.integer(button, "style", at, { min: 1, max: 6, or: 0 });
  if (button["style"] === undefined) form.say(`${at}.style`, "BASE_TYPE_REQUIRED", "This field is required");
  form.text(button, "label", at, { max: 80 });
  if (!button["label"] && !isObject(button["emoji"]) && style !== STYLE.Premium) {
    form.say(at, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji.");
  }
  if (style === STYLE.Link) {
    form.text(button, "url", at, { min: 1, max: 512, required: true });
    if (button["custom_id"] !== undefined) {
      form.say(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A link button has no custom id.");
    }
  } else if (style !== STYLE.Premium) {
    form.text(button, "custom_id", at, { min: 1, max: 100, required: true });
    if (button["url"] !== undefined) {
      form.say(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "Only link buttons have an address.");
    }
  }
}

export function checkSelect(form: Form, select: Component, at: string): void {
  form.text(select, "custom_id", at, { min: 1, max: 100, required: true });
  form.text(select, "placeholder", at, { max: 150 });
  const min = form.integer(select, "min_values", at, { min: 0, max: 25, or: 1 });
  const max = form.integer(select, "max_values", at, { min: 1, max: 25, or: 1 });
  if (min > max) form.say(`${at}.min_values`, "NUMBER_TYPE_MAX", "Must not exceed max_values.");
  if (select.type !== C.StringSelect) return;
  const options = form.list(select, "options", at, { min: 1, max: 25 });
  const values = new Set<unknown>();
  options.forEach((option, i) => {
    const path = `${at}.options.${i}`;
    form.text(option, "label", path, { min: 1, max: 100, required: true });
    form.text(option, "value", path, { min: 1, max: 100, required: true });
    form.text(option, "description", path, { max: 100 });
    if (values.has(option["value"])) {
      form.say(`${path}.value`, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "A value may be used once.");
    }
    values.add(option["value"]);
  });
}

export function checkTextInput(form: Form, input: Component, at: string, needsLabel: boolean): void {
  form.text(input, "custom_id", at, { min: 1, max: 100, required: true });
  form.integer(input, "style", at, { min: 1, max: 2, or: 1 });
  form.text(input, "label", at, { min: 1, max: 45, required: needsLabel });
  form.text(input, "placeholder", at, { max: 100 });
  form.text(input, "value", at, { max: 4000 });
  const min = form.integer(input, "min_length", at, { min: 0, max: 4000, or: 0 });
  const max = form.integer(input, "max_length", at, { min: 1, max: 4000, or: 4000 });
  if (min > max) form.say(`${at}.min_length`, "NUMBER_TYPE_MAX", "Must not exceed max_length.");
}
