/** Descriptions of elements, and what makes the page look like them without losing focus, scrolling or selection. */

const SVG = "http://www.w3.org/2000/svg";
/** What an element was last drawn from. */
const drawn = new WeakMap();

/**
 * Describes an element. `key` says that it is the same one after a redraw; `on` holds listeners, `data` the data-
 * attributes, `style` properties, `isOpaque` that somebody else draws what is in it. Children are descriptions and text; text only ever becomes text nodes.
 */
export function h(tag, props, ...children) {
  const { key, isOpaque, ...rest } = props ?? {};
  return { tag, key, isOpaque, props: rest, children: flat(children) };
}

function flat(children) {
  return children
    .flat(5)
    .filter((child) => child !== undefined && child !== null && child !== false && child !== "")
    .map((child) => (typeof child === "object" ? child : String(child)));
}

/** Makes the children of `parent` what is described. */
export function draw(parent, ...children) {
  patchChildren(parent, flat(children), parent.namespaceURI === SVG);
}

function patchChildren(parent, wanted, isSvg) {
  const byKey = new Map();
  const others = [];
  for (const node of parent.childNodes) {
    const key = drawn.get(node)?.key;
    if (key === undefined || byKey.has(key)) others.push(node);
    else byKey.set(key, node);
  }
  const matches = wanted.map((child) => takeMatch(child, byKey, others));
  // What goes, goes first: a node that has to be moved loses the focus.
  for (const node of [...byKey.values(), ...others]) node.remove();
  let at = parent.firstChild;
  for (const [index, child] of wanted.entries()) {
    const old = matches[index];
    if (old) patch(old, child, isSvg);
    const node = old ?? make(child, isSvg);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** The node that is already there for a description; taken out of what is left over. */
function takeMatch(child, byKey, others) {
  if (typeof child === "object" && child.key !== undefined) {
    const node = byKey.get(child.key);
    if (!node || drawn.get(node)?.tag !== child.tag) return undefined;
    byKey.delete(child.key);
    return node;
  }
  const at = others.findIndex((node) =>
    typeof child === "string" ? node.nodeType === Node.TEXT_NODE : drawn.get(node)?.tag === child.tag,
  );
  return at < 0 ? undefined : others.splice(at, 1)[0];
}

function make(child, isSvg) {
  if (typeof child === "string") return document.createTextNode(child);
  const inSvg = isSvg || child.tag === "svg";
  const node = inSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  drawn.set(node, { tag: child.tag, key: child.key, props: {} });
  patch(node, child, inSvg);
  return node;
}

function patch(node, child, isSvg) {
  if (typeof child === "string") {
    if (node.data !== child) node.data = child;
    return;
  }
  const before = drawn.get(node);
  patchProps(node, before.props, child.props);
  drawn.set(node, child);
  if (!child.isOpaque) patchChildren(node, child.children, isSvg || child.tag === "svg");
}

function patchProps(node, before, now) {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [old, value] = [before[name], now[name]];
    if (name === "on") patchListeners(node, old ?? {}, value ?? {});
    else if (name === "data") patchEach(old, value, (key, text) => setAttribute(node, `data-${key}`, text));
    else if (name === "style")
      patchEach(old, value, (key, text) =>
        text === undefined ? node.style.removeProperty(key) : node.style.setProperty(key, String(text)),
      );
    // What somebody types stays: a value is only the first one.
    else if (name === "value") {
      if (old === undefined) node.value = value;
    } else if (name === "open" && node.tagName === "DETAILS") {
      if (old !== value) node.open = Boolean(value);
    } else if (old !== value) setAttribute(node, name, value);
  }
}

function patchEach(before = {}, now = {}, set) {
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)]))
    if (before[key] !== now[key]) set(key, now[key]);
}

function setAttribute(node, name, value) {
  if (value === undefined || value === false || value === null) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** One listener a type; it calls whatever was described last. */
function patchListeners(node, before, now) {
  node.hqListeners ??= {};
  for (const type of Object.keys(before)) if (!now[type]) delete node.hqListeners[type];
  for (const [type, run] of Object.entries(now)) {
    if (!(type in node.hqListeners) && !node[`hqHears-${type}`]) {
      node[`hqHears-${type}`] = true;
      node.addEventListener(type, (event) => node.hqListeners[type]?.(event));
    }
    node.hqListeners[type] = run;
  }
}
