/** Two signs of life: whoever did not look for longer, since it stood still or was cut off, knows nothing of the others. */
const FRESH_MS = 5000;

/**
 * Whose work is taken by others: homes with work in which nobody was alive for so long. What was known before this
 * life counts from the first look on.
 */
export function createGoneHomes(deps: { readonly afterMs: () => number; readonly now: () => number }) {
  const missingSince = new Map<string, number>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  return {
    look(alive: ReadonlySet<string>, withWork: readonly string[]): void {
      const at = deps.now();
      lookedAt = at;
      for (const home of withWork) {
        if (!alive.has(home) && !missingSince.has(home)) missingSince.set(home, at);
      }
      for (const home of missingSince.keys()) {
        if (alive.has(home) || !withWork.includes(home)) missingSince.delete(home);
      }
    },
    list(): readonly string[] {
      const at = deps.now();
      if (at - lookedAt > FRESH_MS) return [];
      const after = deps.afterMs();
      return [...missingSince].flatMap(([home, since]) => (at - since >= after ? [home] : []));
    },
  };
}
