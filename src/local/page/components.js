import { file, picture } from "./attachments.js";
import { openChoices } from "./choices.js";
import { el, icon } from "./dom.js";
import { blocks, safeLink } from "./markdown.js";

const BUTTON_STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const ENTITY_SELECTS = { 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

function emojiText(emoji) {
  if (!emoji) return undefined;
  return el(
    "span",
    { class: "button-emoji", "aria-hidden": "true" },
    emoji.id ? `:${emoji.name}:` : emoji.name,
  );
}

function button(component, message, context) {
  const style = BUTTON_STYLES[component.style] ?? "secondary";
  const inside = [emojiText(component.emoji), component.label ? el("span", {}, component.label) : undefined];
  const name = component.label ? {} : { "aria-label": component.emoji?.name ?? "Button" };
  if (style === "link") {
    const href = safeLink(component.url);
    return el(
      "a",
      {
        class: "button button-link",
        ...(href
          ? { href, target: "_blank", rel: "noopener noreferrer nofollow" }
          : { "aria-disabled": "true" }),
        ...name,
      },
      inside,
      icon("external", 15),
    );
  }
  const busy = context.isBusy?.(message.id, component.custom_id);
  return el(
    "button",
    {
      type: "button",
      class: `button button-${style}`,
      disabled: component.disabled === true,
      "aria-busy": busy ? "true" : undefined,
      "aria-disabled": busy ? "true" : undefined,
      data: { key: `component:${component.custom_id}` },
      on: { click: () => !busy && context.onComponent?.(message, component.custom_id) },
      ...name,
    },
    inside,
    busy ? el("span", { class: "spinner", "aria-hidden": "true" }) : undefined,
  );
}

/** What a select offers: its own options, or people, roles and channels of the guild. */
export function optionsOf(component, context) {
  if (component.type === 3) {
    return (component.options ?? []).map((option) => ({
      value: option.value,
      label: option.label,
      detail: option.description,
      emoji: option.emoji?.name,
      isDefault: option.default === true,
    }));
  }
  const defaults = new Set((component.default_values ?? []).map(({ id }) => id));
  const kind = ENTITY_SELECTS[component.type];
  const people = (context.members?.() ?? []).map((one) => ({
    value: one.id,
    label: one.display ?? one.name,
    detail: one.bot ? "bot" : `@${one.name}`,
  }));
  const roles = (context.roles?.() ?? []).map((one) => ({
    value: one.id,
    label: `@${one.name}`,
    detail: "role",
  }));
  const channels = (context.channels?.() ?? [])
    .filter(({ type }) => !component.channel_types?.length || component.channel_types.includes(type))
    .map((one) => ({ value: one.id, label: `#${one.name}` }));
  const all =
    kind === "user"
      ? people
      : kind === "role"
        ? roles
        : kind === "channel"
          ? channels
          : [...people, ...roles];
  return all.map((option) => ({ ...option, isDefault: defaults.has(option.value) }));
}

function select(component, message, context) {
  const options = optionsOf(component, context);
  const chosen = options.filter(({ isDefault }) => isDefault).map(({ value }) => value);
  const busy = context.isBusy?.(message.id, component.custom_id);
  const text = options
    .filter(({ isDefault }) => isDefault)
    .map(({ label }) => label)
    .join(", ");
  const node = el(
    "button",
    {
      type: "button",
      class: "select",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": component.placeholder ?? "Make a selection",
      "aria-busy": busy ? "true" : undefined,
      disabled: component.disabled === true,
      data: { key: `component:${component.custom_id}` },
    },
    el(
      "span",
      { class: text ? "select-text" : "select-text select-placeholder" },
      text || (component.placeholder ?? "Make a selection"),
    ),
    busy ? el("span", { class: "spinner", "aria-hidden": "true" }) : icon("down", 18),
  );
  node.addEventListener("click", () => {
    if (busy) return;
    openChoices({
      anchor: node,
      label: component.placeholder ?? "Options",
      options,
      chosen,
      min: component.min_values ?? 1,
      max: component.max_values ?? 1,
      onDone: (values) => context.onComponent?.(message, component.custom_id, values),
    });
  });
  return node;
}

function mediaItem({ media, description, spoiler }, message) {
  return picture(resolved(media?.url, message)?.url ?? media?.url, description ?? "", {
    className: "picture gallery-item",
    spoiler,
  });
}

/** `attachment://name` becomes the attachment of the message. */
function resolved(url, message) {
  const name = /^attachment:\/\/(.+)$/.exec(url ?? "")?.[1];
  if (name) return message.attachments?.find(({ filename }) => filename === decodeURIComponent(name));
  return message.attachments?.find((one) => one.url === url);
}

function fileOf(component, message) {
  const found = resolved(component.file?.url, message);
  const address = component.file?.url ?? "";
  const name =
    component.name ??
    found?.filename ??
    decodeURIComponent(address.split("?")[0].split("/").at(-1) ?? "file");
  return file({
    filename: name,
    size: component.size ?? found?.size,
    url: found?.url ?? address,
    content_type: component.file?.content_type ?? found?.content_type ?? "",
    spoiler: component.spoiler === true,
  });
}

/** One component of a message, of the first or the second version, with all that is inside it. */
export function component(given, message, context) {
  switch (given.type) {
    case 1:
      return el(
        "div",
        { class: "action-row" },
        (given.components ?? []).map((one) => component(one, message, context)),
      );
    case 2:
      return button(given, message, context);
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return select(given, message, context);
    case 9:
      return el(
        "div",
        { class: "section" },
        el(
          "div",
          { class: "section-texts" },
          (given.components ?? []).map((one) => component(one, message, context)),
        ),
        given.accessory
          ? el("div", { class: "section-accessory" }, component(given.accessory, message, context))
          : undefined,
      );
    case 10:
      return el("div", { class: "markdown text-display" }, blocks(given.content ?? "", context));
    case 11:
      return picture(resolved(given.media?.url, message)?.url ?? given.media?.url, given.description ?? "", {
        className: "picture thumbnail",
        spoiler: given.spoiler,
      });
    case 12:
      return el(
        "div",
        { class: `gallery gallery-${Math.min(given.items?.length ?? 1, 4)}` },
        (given.items ?? []).map((item) => mediaItem(item, message)),
      );
    case 13:
      return fileOf(given, message);
    case 14:
      return el("hr", {
        class: `separator${given.spacing === 2 ? " separator-large" : ""}${given.divider === false ? " separator-plain" : ""}`,
      });
    case 17: {
      const shade = Number.isInteger(given.accent_color)
        ? `#${given.accent_color.toString(16).padStart(6, "0")}`
        : undefined;
      return el(
        "div",
        {
          class: `container${shade ? " container-accent" : ""}${given.spoiler ? " container-hidden" : ""}`,
          style: shade ? { "--accent-line": shade } : {},
        },
        (given.components ?? []).map((one) => component(one, message, context)),
      );
    }
    default:
      return undefined;
  }
}

/** The texts of components, for previews and announcements. */
export function textOf(components) {
  return (components ?? [])
    .map((one) => [one.content ?? "", textOf(one.components)].filter(Boolean).join(" "))
    .filter(Boolean)
    .join(" ");
}
