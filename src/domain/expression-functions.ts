import { data, wellKnownFunctions } from "@actions/expressions";
import { textOf, toData, toPlain } from "./expression-values.ts";

type Value = data.ExpressionData;
type Named = {
  /** As the documentation spells it. */
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly call: (...values: Value[]) => Value;
};

/** What any function may make on the way; a result that is kept has a tighter limit. */
const LONGEST_MADE = 1024 * 1024;

function tooLong(name: string): never {
  throw new Error(`${name}() would make more than ${LONGEST_MADE / 1024} KiB of text`);
}

function known(name: string, least: number, most: number): Named {
  const found = wellKnownFunctions[name.toLowerCase()];
  if (!found) throw new Error(`the expression library has no ${name}()`);
  return { name, least, most, call: (...values) => found.call(...values) };
}

/** Lists and maps stand as JSON, where the library would write "Array" and "Object". */
const readable = (value: Value): Value =>
  value.primitive ? value : new data.StringData(textOf(toPlain(value)));

const formatFound = known("format", 1, 255);

function format(pattern: Value, ...values: Value[]): Value {
  const texts = values.map(readable);
  const text = pattern.coerceString();
  let length = text.length;
  for (const [, index] of text.matchAll(/\{(\d+)/g)) {
    length += texts[Number(index)]?.coerceString().length ?? 0;
    if (length > LONGEST_MADE) tooLong("format");
  }
  return formatFound.call(pattern, ...texts);
}

function join(list: Value, separator?: Value): Value {
  if (list.kind !== data.Kind.Array) return readable(list);
  const between = separator?.primitive ? separator.coerceString() : ",";
  const parts = list.values().map((item) => readable(item).coerceString());
  const length = parts.reduce((sum, part) => sum + part.length + between.length, 0);
  if (length > LONGEST_MADE) tooLong("join");
  return new data.StringData(parts.join(between));
}

function toJson(value: Value): Value {
  const text = JSON.stringify(toPlain(value), undefined, 2);
  if (text.length > LONGEST_MADE) tooLong("toJSON");
  return new data.StringData(text);
}

function fromJson(value: Value): Value {
  const text = value.primitive ? value.coerceString() : "";
  if (text.trim() === "") throw new Error("fromJSON() was given nothing to read");
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch (cause) {
    throw new Error(`fromJSON() was given text that is not JSON: ${(cause as Error).message}`, { cause });
  }
  return toData(plain);
}

/** The parts of a text between separators, trimmed, without empty ones. */
function split(text: Value, separator: Value): Value {
  if (!text.primitive) throw new Error("split() takes text");
  const between = separator.primitive ? separator.coerceString() : "";
  if (between === "") throw new Error("split() needs a separator");
  const parts = text.coerceString().split(between);
  return toData(parts.map((part) => part.trim()).filter((part) => part !== ""));
}

const MOST_PARTS = 1000;

/** The parts of a list in its order, as even as they can be: their lengths differ by one at most, and none is empty. */
export function partsOf<Item>(list: readonly Item[], count: number): readonly (readonly Item[])[] {
  const parts = Math.min(count, list.length);
  return Array.from({ length: parts }, (_, n) =>
    list.slice(Math.floor((n * list.length) / parts), Math.floor(((n + 1) * list.length) / parts)),
  );
}

function partition(list: Value, count: Value): Value {
  if (list.kind !== data.Kind.Array) throw new Error("partition() takes a list");
  const parts = count.primitive ? count.number() : Number.NaN;
  if (!Number.isInteger(parts) || parts < 1 || parts > MOST_PARTS)
    throw new Error(`partition() makes 1 to ${MOST_PARTS} parts`);
  return toData(partsOf(list.values().map(toPlain), parts));
}

const STATUS_WORDS = ["success", "failure", "always", "cancelled", "canceled"] as const;
export const STATUS_FUNCTIONS: ReadonlySet<string> = new Set(STATUS_WORDS);

export type Status = { readonly success: boolean; readonly failure: boolean; readonly canceled: boolean };

const status = (answer: boolean) => () => new data.BooleanData(answer);
const statusFunctions = ({ success, failure, canceled }: Status): readonly Named[] => [
  { name: "success", least: 0, most: 0, call: status(success) },
  { name: "failure", least: 0, most: 0, call: status(failure) },
  { name: "always", least: 0, most: 0, call: status(true) },
  { name: "cancelled", least: 0, most: 0, call: status(canceled) },
  { name: "canceled", least: 0, most: 0, call: status(canceled) },
];

const byName = (functions: readonly Named[]): ReadonlyMap<string, Named> =>
  new Map(functions.map((one) => [one.name.toLowerCase(), one]));

const PLAIN: readonly Named[] = [
  known("contains", 2, 2),
  known("startsWith", 2, 2),
  known("endsWith", 2, 2),
  { name: "format", least: 1, most: 255, call: format },
  { name: "join", least: 1, most: 2, call: join },
  { name: "toJSON", least: 1, most: 1, call: toJson },
  { name: "fromJSON", least: 1, most: 1, call: fromJson },
  { name: "split", least: 2, most: 2, call: split },
  { name: "partition", least: 2, most: 2, call: partition },
];

/** Every function, by its name in small letters; the status functions' answers are put in when one is evaluated. */
export const FUNCTIONS: ReadonlyMap<string, Named> = byName([
  ...PLAIN,
  ...statusFunctions({ success: false, failure: false, canceled: false }),
]);

/** The functions as the evaluator takes them. */
export function functionsFor(answers: Status) {
  return new Map(
    [...byName([...PLAIN, ...statusFunctions(answers)])].map(([key, { name, least, most, call }]) => [
      key,
      { name, minArgs: least, maxArgs: most, call },
    ]),
  );
}
