import type { Readable } from "node:stream";

type Key = { readonly ctrl?: boolean; readonly name?: string } | undefined;

/**
 * Calls `listener` when whoever is asked gives up by Ctrl-D, or the input ends: neither would answer a question.
 * Returns how to stop that.
 */
export function onGivenUp(input: Readable, listener: () => void): () => void {
  const heard = (_: unknown, key: Key) => {
    if (key?.ctrl && key.name === "d") listener();
  };
  input.on("keypress", heard);
  input.once("end", listener);
  return () => {
    input.off("keypress", heard);
    input.off("end", listener);
  };
}
