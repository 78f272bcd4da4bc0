import { showDialog } from "./dialog.js";
import { el, formatBytes, icon, iconButton } from "./dom.js";
import { codeBlock, safeLink } from "./markdown.js";

const PREVIEW_BYTES = 200_000;
const PREVIEW_LINES = 8;
const READABLE = /^text\/|json|xml|yaml|csv|javascript/;
const READABLE_NAMES = /\.(?:txt|md|csv|tsv|json|jsonl|ya?ml|log|xml|ts|js|py|sh|toml|ini|sql)$/i;

/** Addresses on this origin only: a picture elsewhere would tell its server who looks. */
export function ownAddress(address) {
  if (!address) return undefined;
  try {
    const url = new URL(address, location.href);
    if (url.protocol === "blob:") return url.href;
    return url.origin === location.origin || isSameMachine(url) ? `${url.pathname}${url.search}` : undefined;
  } catch {
    return undefined;
  }
}

function isSameMachine(url) {
  const names = ["127.0.0.1", "localhost", "[::1]"];
  return url.port === location.port && names.includes(url.hostname) && names.includes(location.hostname);
}

function openPicture(src, alt) {
  const dialog = el(
    "dialog",
    { class: "lightbox", "aria-label": alt || "Picture" },
    el("img", { src, alt }),
    iconButton("close", "Close", () => dialog.close(), { class: "lightbox-close" }),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  showDialog(dialog);
}

/** A picture that opens large; a foreign one is only named, with a link. */
export function picture(address, alt, { className = "picture", width, height, spoiler } = {}) {
  const src = ownAddress(address);
  if (!src) {
    const href = safeLink(address);
    return href
      ? el(
          "a",
          { class: "picture-elsewhere", href, target: "_blank", rel: "noopener noreferrer nofollow" },
          icon("external", 16),
          ` Picture elsewhere: ${alt || new URL(href).hostname}`,
        )
      : undefined;
  }
  const image = el("img", { src, alt: alt ?? "", loading: "lazy", ...(width ? { width, height } : {}) });
  const button = el(
    "button",
    {
      type: "button",
      class: `${className}${spoiler ? " picture-hidden" : ""}`,
      "aria-label": `${spoiler ? "Hidden picture" : "Picture"}: ${alt || "without a description"}`,
    },
    image,
  );
  image.addEventListener("error", () =>
    button.replaceWith(el("span", { class: "picture-missing" }, `Picture not available: ${alt || ""}`)),
  );
  button.addEventListener("click", () => {
    if (button.classList.contains("picture-hidden")) button.classList.remove("picture-hidden");
    else openPicture(src, alt ?? "");
  });
  return button;
}

function textPreview(src) {
  const place = el("div", { class: "file-preview", "aria-busy": "true" });
  const show = async () => {
    const response = await fetch(src);
    if (!response.ok) return place.remove();
    const text = (await response.text()).replace(/\n$/, "");
    const lines = text.split("\n");
    const short = lines.slice(0, PREVIEW_LINES).join("\n").slice(0, 1500);
    const isShort = short.length < text.length;
    const block = el("div", {}, codeBlock(short, "preview"));
    place.replaceChildren(block);
    if (isShort) {
      const more = el(
        "button",
        { type: "button", class: "link-button", "aria-expanded": "false" },
        `Show all ${lines.length} lines`,
      );
      more.addEventListener("click", () => {
        const open = more.getAttribute("aria-expanded") === "true";
        more.setAttribute("aria-expanded", String(!open));
        more.textContent = open ? `Show all ${lines.length} lines` : "Show less";
        block.replaceChildren(codeBlock(open ? short : text, "preview"));
      });
      place.append(more);
    }
    place.removeAttribute("aria-busy");
  };
  show().catch(() => place.remove());
  return place;
}

/** One file: a card with its name, size and a download; pictures and short texts are shown. */
export function file({ filename, size, url, content_type: type = "", description, width, height, spoiler }) {
  const name = filename ?? "file";
  const hidden = spoiler ?? name.startsWith("SPOILER_");
  const src = ownAddress(url);
  const isPicture =
    /^image\/(?:png|jpe?g|gif|webp|avif)/.test(type ?? "") ||
    (!type && /\.(?:png|jpe?g|gif|webp)$/i.test(name));
  if (src && isPicture) {
    return el(
      "figure",
      { class: "attachment attachment-picture" },
      picture(src, description ?? name, { width, height, spoiler: hidden }),
      el("figcaption", { class: "hidden-text" }, `${name}, ${formatBytes(size ?? 0)}`),
    );
  }
  const readable =
    src && (size ?? 0) <= PREVIEW_BYTES && (READABLE.test(type ?? "") || READABLE_NAMES.test(name));
  return el(
    "div",
    { class: "attachment attachment-file" },
    el(
      "div",
      { class: "file-head" },
      icon("file", 28),
      el(
        "div",
        { class: "file-names" },
        src
          ? el("a", { href: src, download: name, class: "file-name" }, name)
          : el("span", { class: "file-name" }, name),
        el("span", { class: "file-size" }, [
          size === undefined ? "" : formatBytes(size),
          description ? ` · ${description}` : "",
        ]),
      ),
      src
        ? el(
            "a",
            {
              class: "icon-button",
              href: src,
              download: name,
              "aria-label": `Download ${name}`,
              title: "Download",
            },
            icon("download"),
          )
        : undefined,
    ),
    readable && !hidden ? textPreview(src) : undefined,
  );
}
