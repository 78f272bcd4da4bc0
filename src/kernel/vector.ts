/**
 * A list of which a changed copy is cheap: a tree of arrays of 32, so that setting one of 100,000 elements copies four
 * short arrays. It is plain JSON and never changed in place.
 */
export type Vector<T> = { readonly size: number; readonly depth: number; readonly root: Node<T> };
type Node<T> = readonly (T | Node<T>)[];

const BITS = 5;
const WIDTH = 1 << BITS;
const MASK = WIDTH - 1;

export const emptyVector: Vector<never> = { size: 0, depth: 0, root: [] };

/** The element, or undefined outside of the list. */
export function at<T>(vector: Vector<T>, index: number): T | undefined {
  if (index < 0 || index >= vector.size) return undefined;
  let node = vector.root;
  for (let level = vector.depth; level > 0; level--) {
    node = node[(index >>> (BITS * level)) & MASK] as Node<T>;
  }
  return node[index & MASK] as T;
}

/** With another element at a place; `index` = size appends. */
export function withAt<T>(vector: Vector<T>, index: number, value: T): Vector<T> {
  if (index < 0 || index > vector.size) throw new RangeError(`there is no place ${index} in ${vector.size}`);
  const isNew = index === vector.size;
  const isFull = isNew && index === WIDTH ** (vector.depth + 1);
  const depth = isFull ? vector.depth + 1 : vector.depth;
  const root = isFull ? [vector.root] : vector.root;
  return { size: isNew ? index + 1 : vector.size, depth, root: put(root, depth, index, value) };
}

function put<T>(node: Node<T>, level: number, index: number, value: T): Node<T> {
  const place = (index >>> (BITS * level)) & MASK;
  const copy = node.slice();
  copy[place] = level === 0 ? value : put((copy[place] ?? []) as Node<T>, level - 1, index, value);
  return copy;
}

export function append<T>(vector: Vector<T>, value: T): Vector<T> {
  return withAt(vector, vector.size, value);
}

/** Made at once, in linear time. */
export function vectorOf<T>(values: readonly T[]): Vector<T> {
  let level: Node<T>[] = chunks(values);
  let depth = 0;
  while (level.length > 1) {
    level = chunks(level as readonly (T | Node<T>)[]);
    depth++;
  }
  return { size: values.length, depth, root: level[0] ?? [] };
}

function chunks<T>(values: readonly (T | Node<T>)[]): Node<T>[] {
  const parts: Node<T>[] = [];
  for (let i = 0; i < values.length; i += WIDTH) parts.push(values.slice(i, i + WIDTH));
  return parts;
}

export function* valuesOf<T>(vector: Vector<T>): Generator<T> {
  for (let i = 0; i < vector.size; i++) yield at(vector, i) as T;
}
