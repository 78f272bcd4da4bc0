// Runs in the page: what a person with weak eyes, without a mouse, or with a reader of the screen would miss.
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** Whatever CSS calls a colour → red, green, blue, alpha. */
  function read(color) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = ([r, g, b, a], [x, y, z]) => [
    r * a + x * (1 - a),
    g * a + y * (1 - a),
    b * a + z * (1 - a),
    1,
  ];

  function luminance(color) {
    const [r, g, b] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ratio(one, other) {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  }

  const layerOf = (element) => {
    const style = getComputedStyle(element);
    const isShape = element instanceof SVGElement && !(element instanceof SVGSVGElement);
    if (!isShape) return read(style.backgroundColor);
    const [r, g, b, a] = style.fill === "none" ? [0, 0, 0, 0] : read(style.fill);
    return [r, g, b, a * Number(style.fillOpacity)];
  };

  /** What is behind it: for a drawing what lies there, else what it stands in. */
  function layersBehind(element) {
    if (element instanceof SVGElement && !(element instanceof SVGSVGElement)) {
      const { left, top, width, height } = element.getBoundingClientRect();
      const there = document.elementsFromPoint(left + width / 2, top + height / 2);
      return there.filter((one) => !one.closest("text") && !element.contains(one)).map(layerOf);
    }
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(layerOf(at));
    return layers;
  }

  function behind(element) {
    const base = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layersBehind(element).reduceRight((below, layer) => over(layer, below), base);
  }

  function opacityOf(element) {
    let share = 1;
    for (let at = element; at; at = at.parentElement) share *= Number(getComputedStyle(at).opacity);
    return share;
  }

  function isSeen(element) {
    const { width, height } = element.getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1;
  }

  /** Nobody has to read what cannot be used now, nor a picture's letters that are said beside it. */
  const isExempt = (element) => element.closest(":disabled, [aria-disabled=true], [inert]") !== null;

  const nameOf = (element) => {
    const words = (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40);
    return `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${words}`;
  };

  function contrastOf(color, element) {
    const [r, g, b, a] = read(color);
    const under = behind(element);
    return ratio(over([r, g, b, a * opacityOf(element)], under), under);
  }

  const found = new Set();
  const tell = (element, said) => found.add(`${said}: ${nameOf(element)}`);

  function lookAtText(element, color) {
    const { fontSize, fontWeight } = getComputedStyle(element);
    const size = Number.parseFloat(fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700) ? 3 : 4.5;
    const is = contrastOf(color, element);
    if (is < needed) tell(element, `text ${is.toFixed(2)} of ${needed}`);
  }

  /** What sticks out of the box that it stands in; what is cut or can be scrolled does not. */
  function lookAtRoom(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right } = range.getBoundingClientRect();
    for (let at = node.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible") return;
      if (!at.matches(".panel, .card, .gate, .tile, .container, .toast, dialog")) continue;
      const box = at.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1)
        tell(node.parentElement, `${Math.round(right - box.right)} px beyond its box`);
      return;
    }
  }

  const style = new CSSStyleSheet();
  style.replaceSync(
    "* { pointer-events: auto !important; transition: none !important; animation: none !important }",
  );
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element || !isSeen(element) || isExempt(element)) continue;
    if (element.closest(".hidden-text, .skip, noscript, option")) continue;
    if (element instanceof SVGElement) element.scrollIntoView({ block: "center", inline: "center" });
    const { color, fill } = getComputedStyle(element);
    lookAtText(element, element instanceof SVGElement ? fill : color);
    if (!(element instanceof SVGElement)) lookAtRoom(node);
  }

  const FIELDS = "input:not([type=hidden], [type=checkbox], [type=radio], [type=file]), select, textarea";
  for (const field of document.querySelectorAll(FIELDS)) {
    if (!isSeen(field) || isExempt(field)) continue;
    const { color, borderColor, borderBottomWidth } = getComputedStyle(field);
    lookAtText(field, color);
    if (field.placeholder) lookAtText(field, getComputedStyle(field, "::placeholder").color);
    const around = behind(field.parentElement);
    const edge =
      Number.parseFloat(borderBottomWidth) > 0 ? ratio(over(read(borderColor), around), around) : 1;
    const is = Math.max(edge, ratio(behind(field), around));
    // One that says in words what it is for is found by them.
    if (is < 3 && !field.placeholder) tell(field, `the edge of a field ${is.toFixed(2)} of 3`);
  }

  const CONTROLS =
    "button, a[href], input:not([type=hidden]), select, textarea, summary, [role=button], [role=option], [role=tab], [role=menuitem], [role=menuitemradio], [role=switch], [role=checkbox]";
  for (const control of document.querySelectorAll(CONTROLS)) {
    if (!isSeen(control)) continue;
    const labelled = (control.getAttribute("aria-labelledby") ?? "")
      .split(/\s+/)
      .map((id) => document.getElementById(id)?.textContent ?? "");
    const labels = [...(control.labels ?? [])].map((label) => label.textContent);
    const words = [
      control.getAttribute("aria-label"),
      ...labelled,
      ...labels,
      control.title,
      control.matches("input, select, textarea") ? "" : control.textContent,
    ];
    const pictures = [...control.querySelectorAll("img[alt], [aria-label]")].map(
      (one) => one.alt ?? one.getAttribute("aria-label"),
    );
    if (![...words, ...pictures].some((word) => word?.trim())) tell(control, "a control without a name");
    const icon = control.querySelector("svg");
    if (!icon || !isSeen(icon) || isExempt(control)) continue;
    const { stroke, fill, color } = getComputedStyle(icon);
    const drawn = stroke !== "none" ? stroke : fill !== "none" ? fill : color;
    const is = contrastOf(drawn, icon);
    if (is < 3) tell(control, `an icon ${is.toFixed(2)} of 3`);
  }

  /** A box that scrolls by itself may be wider than the screen: a table, a graph, code. */
  const scrolls = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX) && at !== document.documentElement) return true;
    return false;
  };
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) tell(document.body, "wider than the window");
  for (const control of document.querySelectorAll(CONTROLS)) {
    if (!isSeen(control) || control.closest(".skip, .hidden-text") || scrolls(control)) continue;
    const { left, right } = control.getBoundingClientRect();
    if (left < -1 || right > wide + 1)
      tell(control, `beside the window of ${wide} (${Math.round(left)} to ${Math.round(right)})`);
  }

  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== style);
  return [...found];
})();
