import { PassThrough } from "node:stream";

/** What a question is asked on, as long as no person sits there. */
export function openTerminal() {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  let look = () => {};
  output.on("data", (part: Buffer) => {
    shown += part.toString();
    look();
  });
  return {
    input,
    output,
    shown: () => shown,
    /** Resolves when it was shown. */
    shows: (text: string) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (shown.includes(text)) resolve();
        };
        look();
      }),
  };
}
