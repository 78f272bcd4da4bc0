/** Puts a floating box beside its anchor, inside the window; below when there is room, otherwise above. */
export function place(box, anchor, { align = "start", prefer = "below", gap = 6, matchWidth = false } = {}) {
  const rect = anchor instanceof Element ? anchor.getBoundingClientRect() : anchor;
  const room = { width: document.documentElement.clientWidth, height: document.documentElement.clientHeight };
  if (matchWidth) box.style.minWidth = `${Math.min(rect.width, room.width - 16)}px`;
  box.style.maxWidth = `${room.width - 16}px`;
  box.style.maxHeight = `${Math.max(160, room.height - 16)}px`;
  const { width, height } = box.getBoundingClientRect();
  const below = rect.bottom + gap;
  const above = rect.top - gap - height;
  const fitsBelow = below + height <= room.height - 8;
  const fitsAbove = above >= 8;
  let top = prefer === "above" ? (fitsAbove ? above : below) : fitsBelow || !fitsAbove ? below : above;
  let left = align === "end" ? rect.right - width : rect.left;
  top = Math.max(8, Math.min(top, room.height - height - 8));
  left = Math.max(8, Math.min(left, room.width - width - 8));
  box.style.top = `${top}px`;
  box.style.left = `${left}px`;
}

let open;

/** One floating box at a time: opening another closes it, as do Escape and a click elsewhere. Focus goes back. */
export function float(box, { anchor, onClose, restoreFocus = true, ...how }) {
  open?.();
  const before = document.activeElement;
  box.classList.add("floating");
  const host = (anchor instanceof Element ? anchor.closest("dialog") : undefined) ?? document.body;
  host.append(box);
  place(box, anchor, how);
  let closed = false;
  const close = (giveBack = restoreFocus) => {
    if (closed) return;
    closed = true;
    if (open === close) open = undefined;
    const hadFocus = box.contains(document.activeElement);
    box.remove();
    document.removeEventListener("pointerdown", onPointer, true);
    window.removeEventListener("resize", onResize);
    if (giveBack && hadFocus && before instanceof HTMLElement && before.isConnected) before.focus();
    onClose?.();
  };
  const onPointer = (event) => {
    if (!box.contains(event.target) && !(anchor instanceof Element && anchor.contains(event.target)))
      close(false);
  };
  const onResize = () => close();
  document.addEventListener("pointerdown", onPointer, true);
  window.addEventListener("resize", onResize);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close(true);
  });
  open = close;
  return close;
}

/** Moves the focus among items with the arrow keys, Home, End and first letters. */
export function roveWith(event, items, { columns = 1 } = {}) {
  if (items.length === 0) return false;
  const at = items.indexOf(document.activeElement);
  const step = {
    ArrowDown: columns,
    ArrowUp: -columns,
    ...(columns > 1 ? { ArrowRight: 1, ArrowLeft: -1 } : {}),
  }[event.key];
  let next;
  if (step !== undefined) next = at < 0 ? 0 : (at + step + items.length) % items.length;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = items.length - 1;
  else if (
    event.key.length === 1 &&
    /\S/.test(event.key) &&
    !event.ctrlKey &&
    !event.metaKey &&
    columns === 1
  ) {
    const letter = event.key.toLowerCase();
    const found = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((item) =>
      item.textContent.trim().toLowerCase().startsWith(letter),
    );
    next = found ? items.indexOf(found) : undefined;
  }
  if (next === undefined) return false;
  event.preventDefault();
  items[next].focus();
  return true;
}
