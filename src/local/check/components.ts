import type { Component } from "../state/documents.ts";
import { type Body, createForm, type Form, isObject } from "./form.ts";
import { checkButton, checkSelect, checkTextInput, isSelect } from "./inputs.ts";
import { C } from "./kinds.ts";

const MOST_COMPONENTS = 40;
const MOST_TEXT = 4000;

const ROOT_V2: readonly number[] = [
  C.ActionRow,
  C.Section,
  C.TextDisplay,
  C.MediaGallery,
  C.File,
  C.Separator,
  C.Container,
];
const IN_CONTAINER = ROOT_V2.filter((type) => type !== C.Container);

/** Every component of a tree, parents first. */
export function walk(components: readonly Component[]): Component[] {
  return components.flatMap((one) => [one, ...walk(childrenOf(one))]);
}

export function childrenOf(component: Component): Component[] {
  const { components, accessory, component: inner } = component;
  const all = [...(Array.isArray(components) ? components : []), accessory, inner];
  return all.filter((one): one is Component => isObject(one) && typeof one["type"] === "number");
}

/** The components of a message, checked by the rules of the old kind or of Components V2; ids filled in. */
export function checkComponents(form: Form, body: Body, isV2: boolean): Component[] {
  const roots = form.list(body, "components", "", { max: isV2 ? MOST_COMPONENTS : 5 }) as Component[];
  roots.forEach((root, i) => {
    checkOne(form, root, `components.${i}`, isV2 ? ROOT_V2 : [C.ActionRow]);
  });
  const all = walk(roots);
  if (isV2 && all.length > MOST_COMPONENTS) {
    form.say(
      "components",
      "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
      `A message may hold ${MOST_COMPONENTS} components, nested ones included; this has ${all.length}.`,
    );
  }
  const text = textOf(roots).length;
  if (text > MOST_TEXT) {
    form.say(
      "components",
      "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
      `The text of all components may be ${MOST_TEXT} characters; this has ${text}.`,
    );
  }
  checkUnique(form, all);
  return numbered(roots);
}

/** All text that components display, as one string. */
export function textOf(components: readonly Component[]): string {
  return walk(components)
    .map((one) => (one.type === C.TextDisplay && typeof one["content"] === "string" ? one["content"] : ""))
    .join("");
}

function checkUnique(form: Form, all: readonly Component[]): void {
  const seen = new Set<unknown>();
  for (const { custom_id: customId } of all) {
    if (customId === undefined) continue;
    if (seen.has(customId)) {
      form.say("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "A custom id may be used once in a message.");
    }
    seen.add(customId);
  }
}

function checkOne(form: Form, one: Component, at: string, allowed: readonly number[]): void {
  if (!allowed.includes(one.type)) {
    form.say(`${at}.type`, "UNION_TYPE_CHOICES", `Must be one of the types ${allowed.join(", ")}.`);
    return;
  }
  switch (one.type) {
    case C.ActionRow:
      return checkRow(form, one, at);
    case C.TextDisplay:
      form.text(one, "content", at, { min: 1, max: MOST_TEXT, required: true });
      return;
    case C.Section: {
      const texts = form.list(one, "components", at, { min: 1, max: 3 }) as Component[];
      texts.forEach((text, i) => checkOne(form, text, `${at}.components.${i}`, [C.TextDisplay]));
      if (isObject(one["accessory"])) {
        checkOne(form, one["accessory"] as Component, `${at}.accessory`, [C.Button, C.Thumbnail]);
      } else form.say(`${at}.accessory`, "BASE_TYPE_REQUIRED", "This field is required");
      return;
    }
    case C.Container:
      (form.list(one, "components", at, { min: 1, max: MOST_COMPONENTS }) as Component[]).forEach(
        (inner, i) => checkOne(form, inner, `${at}.components.${i}`, IN_CONTAINER),
      );
      form.integer(one, "accent_color", at, { min: 0, max: 0xff_ff_ff, or: 0 });
      return;
    case C.MediaGallery:
      form.list(one, "items", at, { min: 1, max: 10 }).forEach((item, i) => {
        checkMedia(form, item, "media", `${at}.items.${i}`);
      });
      return;
    case C.Thumbnail:
      return checkMedia(form, one, "media", at);
    case C.File:
      checkMedia(form, one, "file", at);
      if (mediaOf(one).some((url) => !url.startsWith(SENT))) {
        form.say(`${at}.file.url`, "UNFURLED_MEDIA_ITEM_ONLY_ATTACHMENTS", "Only attachment://<filename>.");
      }
      return;
    case C.Button:
      return checkButton(form, one, at);
    default:
  }
}

const SENT = "attachment://";

/** The addresses of what a component shows. */
function mediaOf({ media, file, items }: Body): string[] {
  const shown = [
    media,
    file,
    ...(Array.isArray(items) ? items.filter(isObject).map((item) => item["media"]) : []),
  ];
  return shown.flatMap((one) => (isObject(one) && typeof one["url"] === "string" ? [one["url"]] : []));
}

/** What components show by `attachment://<filename>` has to be a file of the message. */
export function checkShown(components: readonly Component[], filenames: readonly string[]): void {
  const form = createForm();
  for (const url of walk(components).flatMap(mediaOf)) {
    if (!url.startsWith(SENT) || filenames.includes(url.slice(SENT.length))) continue;
    form.say(
      "components",
      "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
      `The message has no file for ${url}.`,
    );
  }
  form.done();
}

function checkMedia(form: Form, one: Body, key: string, at: string): void {
  const media = one[key];
  if (isObject(media)) form.text(media, "url", `${at}.${key}`, { min: 1, max: 2048, required: true });
  else form.say(`${at}.${key}`, "BASE_TYPE_REQUIRED", "This field is required");
}

function checkRow(form: Form, row: Component, at: string): void {
  const inner = form.list(row, "components", at, { min: 1, max: 5 }) as Component[];
  const hasSelect = inner.some((one) => isSelect(one.type));
  if (hasSelect && inner.length > 1) {
    form.say(
      `${at}.components`,
      "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
      "A row holds five buttons or one select.",
    );
  }
  inner.forEach((one, i) => {
    const path = `${at}.components.${i}`;
    if (one.type === C.Button) checkButton(form, one, path);
    else if (isSelect(one.type)) checkSelect(form, one, path);
    else form.say(`${path}.type`, "UNION_TYPE_CHOICES", "A row holds buttons or a select.");
  });
}

/** The form of a modal: 1 to 5 rows of text inputs, labels with one input each, or text. */
export function checkModal(form: Form, body: Body): void {
  form.text(body, "custom_id", "", { min: 1, max: 100, required: true });
  form.text(body, "title", "", { min: 1, max: 45, required: true });
  const roots = form.list(body, "components", "", { min: 1, max: 5 }) as Component[];
  roots.forEach((root, i) => {
    const at = `components.${i}`;
    const inner = childrenOf(root);
    if (root.type === C.TextDisplay) return checkOne(form, root, at, [C.TextDisplay]);
    if (root.type !== C.ActionRow && root.type !== C.Label) {
      form.say(`${at}.type`, "UNION_TYPE_CHOICES", "A form holds rows, labels and text.");
    }
    if (root.type === C.Label) {
      form.text(root, "label", at, { min: 1, max: 45, required: true });
      form.text(root, "description", at, { max: 100 });
    }
    if (inner.length !== 1)
      form.say(`${at}.components`, "BASE_TYPE_BAD_LENGTH", "Must be exactly one input.");
    inner.forEach((input, n) => {
      const path = root.type === C.Label ? `${at}.component` : `${at}.components.${n}`;
      if (input.type === C.TextInput) checkTextInput(form, input, path, root.type === C.ActionRow);
      else if (root.type === C.Label && isSelect(input.type)) checkSelect(form, input, path);
      else if (root.type === C.Label && input.type === C.FileUpload) {
        form.text(input, "custom_id", path, { min: 1, max: 100, required: true });
      } else form.say(`${path}.type`, "UNION_TYPE_CHOICES", "This input cannot be here.");
    });
  });
  checkUnique(form, walk(roots));
}

/** Discord numbers components that bring no id of their own. */
function numbered(components: readonly Component[]): Component[] {
  const taken = new Set(walk(components).map((one) => one["id"]));
  let next = 1;
  const number = (one: Component): Component => {
    let id = one["id"];
    if (typeof id !== "number" || id === 0) {
      while (taken.has(next)) next++;
      id = next++;
    }
    return {
      ...one,
      id,
      ...(Array.isArray(one["components"])
        ? { components: (one["components"] as Component[]).map(number) }
        : {}),
      ...(isObject(one["accessory"]) ? { accessory: number(one["accessory"] as Component) } : {}),
      ...(isObject(one["component"]) ? { component: number(one["component"] as Component) } : {}),
    };
  };
  return components.map(number);
}
