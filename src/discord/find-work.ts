import { isRefusal } from "../kernel/refusal.ts";

/**
 * Ids that people choose do not say whether a delegation or a run is meant; `wf-` is most often a run. When neither
 * is there, the refusal of the likelier one is told.
 */
export async function runOrDelegation<T>(
  id: string,
  ways: { readonly run: () => Promise<T>; readonly delegation: () => Promise<T> },
): Promise<T> {
  const [first, second] = id.startsWith("wf-") ? [ways.run, ways.delegation] : [ways.delegation, ways.run];
  try {
    return await first();
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
    try {
      return await second();
    } catch (other) {
      throw isNotFound(other) ? thrown : other;
    }
  }
}

const isNotFound = (thrown: unknown) => isRefusal(thrown) && thrown.code === "not_found";
