/** Opens a modal dialog that goes away when it is closed. The focus goes back to where it was, then `onClosed`. */
export function showDialog(dialog, onClosed) {
  const before = document.activeElement;
  const place = placeOf(before);
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The browser gave the focus back while the page was still inert: the field has it, but no caret.
    document.activeElement?.blur();
    // A message that was drawn again meanwhile has the same button anew.
    const there = before?.isConnected ? before : find(place);
    if (there instanceof HTMLElement) there.focus({ preventScroll: true });
    onClosed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** A component of a message, by names that stay when the message is drawn again. */
function placeOf(element) {
  const id = element?.closest?.("[data-id]")?.dataset.id;
  const key = element?.dataset?.key;
  return id && key ? { id, key } : undefined;
}

function find(place) {
  if (!place) return undefined;
  const { id, key } = place;
  return document.querySelector(`[data-id="${CSS.escape(id)}"] [data-key="${CSS.escape(key)}"]`);
}
