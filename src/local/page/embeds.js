import { picture } from "./attachments.js";
import { el } from "./dom.js";
import { blocks, inline, link } from "./markdown.js";
import { stamp, timeElement } from "./time.js";

const colour = (number) =>
  Number.isInteger(number) ? `#${number.toString(16).padStart(6, "0")}` : undefined;

function resolve(url, message) {
  const name = /^attachment:\/\/(.+)$/.exec(url ?? "")?.[1];
  return name ? message.attachments?.find(({ filename }) => filename === name)?.url : url;
}

/** One rich embed. */
export function embed(given, message, context) {
  const { author, title, url, description, fields = [], image, thumbnail, footer, timestamp } = given;
  const shade = colour(given.color);
  return el(
    "article",
    { class: "embed", style: shade ? { "--accent-line": shade } : {} },
    el(
      "div",
      { class: "embed-body" },
      author?.name
        ? el("p", { class: "embed-author" }, author.url ? link(author.url, author.name) : author.name)
        : undefined,
      title
        ? el("p", { class: "embed-title" }, url ? link(url, inline(title, context)) : inline(title, context))
        : undefined,
      description ? el("div", { class: "markdown" }, blocks(description, context)) : undefined,
      fields.length > 0
        ? el(
            "div",
            { class: "embed-fields" },
            fields.map(({ name, value, inline: isInline }) =>
              el(
                "div",
                { class: isInline ? "embed-field embed-field-inline" : "embed-field" },
                el("p", { class: "embed-field-name" }, inline(name ?? "", context)),
                el("div", { class: "markdown" }, blocks(value ?? "", context)),
              ),
            ),
          )
        : undefined,
      image?.url ? picture(resolve(image.url, message), title ?? "Embedded picture") : undefined,
      footer?.text || timestamp
        ? el(
            "p",
            { class: "embed-footer" },
            footer?.text,
            footer?.text && timestamp ? " · " : "",
            timestamp ? timeElement(new Date(timestamp), stamp(new Date(timestamp))) : "",
          )
        : undefined,
    ),
    thumbnail?.url
      ? el("div", { class: "embed-thumbnail" }, picture(resolve(thumbnail.url, message), "Thumbnail"))
      : undefined,
  );
}
