/** Places a test may kill the process at: `name` or `name:3` (the third time it is passed). */
export function readCrashAt(
  text: string | undefined,
  kill: () => void,
): ((point: string) => void) | undefined {
  if (!text) return undefined;
  const match = /^([a-z-]+:[a-z]+)(?:#(\d+))?$/.exec(text);
  if (!match)
    throw new Error(
      `HQ_CRASH_AT is "${text}"; it is the name of a crash point, as in dispatch:sent or dispatch:sent#3`,
    );
  const [, name, times] = match;
  let left = Number(times ?? 1);
  return (point) => {
    if (point === name && --left === 0) kill();
  };
}
