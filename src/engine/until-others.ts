import type { Members } from "./ports/members.ts";

/** What changes here rings no bell. */
const LOOK_EVERY_MS = 1000;

/** Looks whenever another supervisor may have written, until the look finds something; undefined after `withinMs`. */
export function untilOthers<T>(
  { onOthers }: Pick<Members, "onOthers">,
  look: () => Promise<T | undefined>,
  withinMs: number,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let looking = false;
    let isAsked = false;
    const unlisten = onOthers(ask);
    const again = setInterval(ask, LOOK_EVERY_MS);
    const timer = setTimeout(() => end(() => resolve(undefined)), withinMs);

    function end(how: () => void): void {
      clearTimeout(timer);
      clearInterval(again);
      unlisten();
      how();
    }

    /** One look at a time; what is written meanwhile asks for another one. */
    function ask(): void {
      isAsked = true;
      if (looking) return;
      looking = true;
      lookOn().then(
        (found) => {
          looking = false;
          if (found !== undefined) end(() => resolve(found));
        },
        (error: unknown) => end(() => reject(error)),
      );
    }

    async function lookOn(): Promise<T | undefined> {
      while (isAsked) {
        isAsked = false;
        const found = await look();
        if (found !== undefined) return found;
      }
      return undefined;
    }

    ask();
  });
}
