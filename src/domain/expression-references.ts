import { parse, statusCalls } from "./expression-parse.ts";

export type References = {
  /** As they are written: names match in any case. */
  readonly inputs: readonly string[];
  /** `inputs.*`, `inputs[…]`, `toJSON(inputs)`: any of them may be meant. */
  readonly allInputs: boolean;
  readonly steps: readonly {
    readonly id: string;
    readonly property?: string;
    /** What is taken of the property: `steps.x.output.mass.value` = mass, value; up to the first computed key. */
    readonly rest?: readonly string[];
  }[];
  readonly item: boolean;
  /** Status functions that are called. */
  readonly status: readonly string[];
};

/** What an expression needs from outside. Throws ExpressionError when it cannot be read. */
export function referencesOf(source: string): References {
  const parsed = parse(source);
  const of = (root: string) => parsed.paths.filter((path) => path.root === root).map(({ keys }) => keys);
  return {
    inputs: of("inputs").flatMap(([name]) => (name === undefined ? [] : [name])),
    allInputs: of("inputs").some(([name]) => name === undefined),
    steps: of("steps").flatMap(([id, property, ...more]) => {
      if (id === undefined) return [];
      if (property === undefined) return [{ id: id.toLowerCase() }];
      const end = more.indexOf(undefined);
      const rest = (end < 0 ? more : more.slice(0, end)) as readonly string[];
      return [
        { id: id.toLowerCase(), property: property.toLowerCase(), ...(rest.length > 0 ? { rest } : {}) },
      ];
    }),
    item: of("item").length > 0 || of("index").length > 0,
    status: statusCalls(parsed),
  };
}

/** Whether one of these inputs may stand in what an expression gives. */
export function usesInput(
  { inputs, allInputs }: Pick<References, "inputs" | "allInputs">,
  names: readonly string[],
): boolean {
  if (allInputs && names.length > 0) return true;
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return inputs.some((name) => wanted.has(name.toLowerCase()));
}
