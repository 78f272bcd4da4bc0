/**
 * Does what it is given one after the other, in the order of the calls. Whoever asked hears how theirs ended, also that
 * it failed; the next one only waits for the end of it.
 */
export function createOneByOne(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const doing = last.then(work);
    last = Promise.allSettled([doing]);
    return doing;
  };
}
