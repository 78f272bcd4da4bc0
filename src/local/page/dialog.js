/** Opens a modal dialog that goes away when it is closed. The focus goes back to where it was, then `onClosed`. */
export function showDialog(dialog, onClosed) {
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The browser gave the focus back while the page was still inert: the field has it, but no caret.
    document.activeElement?.blur();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    onClosed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
}
