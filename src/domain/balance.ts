/** How an agent stands when work is shared out. */
export type Load = {
  readonly agent: string;
  /** Whether it can be given work now. */
  readonly canTake: boolean;
  readonly open: number;
  readonly concurrency: number;
  /** When it last got its turn; absent = never. */
  readonly turnAt?: number;
};

/** Who gets the next piece of work: of those that can take it the least busy, and of equals the one whose turn was longest ago. */
export function pickBalanced(loads: readonly Load[]): Load | undefined {
  let best: Load | undefined;
  for (const load of loads) {
    if (load.canTake && (best === undefined || comesBefore(load, best))) best = load;
  }
  return best;
}

function comesBefore(one: Load, other: Load): boolean {
  const busier = one.open / one.concurrency - other.open / other.concurrency;
  if (busier !== 0) return busier < 0;
  return (one.turnAt ?? Number.NEGATIVE_INFINITY) < (other.turnAt ?? Number.NEGATIVE_INFINITY);
}
