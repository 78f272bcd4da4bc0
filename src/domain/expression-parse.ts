import type { Expr } from "@actions/expressions";
import { Lexer, Parser } from "@actions/expressions";
import {
  Binary,
  ContextAccess,
  FunctionCall,
  Grouping,
  IndexAccess,
  Literal,
  Logical,
  Star,
  Unary,
} from "@actions/expressions/ast";
import { type Token, TokenType } from "@actions/expressions/lexer";
import { cut } from "../kernel/text.ts";
import { FUNCTIONS, STATUS_FUNCTIONS } from "./expression-functions.ts";

const LONGEST_SOURCE = 1000;
const MOST_NODES = 50;
const MOST_KEPT = 2000;

/** An expression that cannot be read or evaluated; the message is for people. */
export class ExpressionError extends Error {
  constructor(source: string, reason: string, cause?: unknown) {
    super(`\`${cut(source.trim(), 120)}\` ${reason}`, cause === undefined ? undefined : { cause });
    this.name = "ExpressionError";
  }
}

/** A name and what is taken of it: `steps.x.result` = steps, [x, result]. An undefined key is computed, or `*`. */
export type Path = { readonly root: string; readonly keys: readonly (string | undefined)[] };

export type Parsed = {
  readonly root: Expr;
  /** The whole expression, when it is nothing but a path without computed keys. */
  readonly path?: { readonly root: string; readonly keys: readonly string[] };
  readonly paths: readonly Path[];
  /** Names of functions, in small letters. */
  readonly calls: ReadonlySet<string>;
  /** Both sides of each `==` and `!=`. */
  readonly comparisons: readonly (readonly [Expr, Expr])[];
};

const kept = new Map<string, Parsed>();

/** Parsed once, then kept. Names that are unknown are no error here: the check says more about them. */
export function parse(source: string): Parsed {
  const known = kept.get(source);
  if (known) return known;
  const made = parseAnew(source);
  if (kept.size >= MOST_KEPT) {
    const oldest = kept.keys().next();
    if (!oldest.done) kept.delete(oldest.value);
  }
  kept.set(source, made);
  return made;
}

function parseAnew(source: string): Parsed {
  if (source.length > LONGEST_SOURCE) {
    const length = source.length;
    throw new ExpressionError(
      source,
      `has ${length} characters; an expression has at most ${LONGEST_SOURCE}`,
    );
  }
  if (source.trim() === "") throw new ExpressionError(source, "is empty");
  const root = treeOf(source);
  const found = {
    nodes: 0,
    paths: [] as Path[],
    calls: new Set<string>(),
    comparisons: [] as [Expr, Expr][],
  };
  walk(root, found);
  if (found.nodes > MOST_NODES)
    throw new ExpressionError(source, `has ${found.nodes} parts; an expression has at most ${MOST_NODES}`);
  const { paths, calls, comparisons } = found;
  const path = pathOf(root);
  const isPlain = path && path.dynamic.length === 0 && !path.keys.includes(undefined);
  return {
    root,
    paths,
    calls,
    comparisons,
    ...(isPlain ? { path: { root: path.root, keys: path.keys as readonly string[] } } : {}),
  };
}

function treeOf(source: string): Expr {
  try {
    const tokens = new Lexer(source).lex().tokens.map(unquoted);
    const names = namesIn(tokens);
    const functions = names.functions.map((name) => {
      const known = FUNCTIONS.get(name.toLowerCase());
      return { name, minArgs: known?.least ?? 0, maxArgs: known?.most ?? 255 };
    });
    return new Parser(tokens, names.contexts, functions).parse();
  } catch (cause) {
    throw new ExpressionError(source, `cannot be read: ${reasonOf(cause)}`, cause);
  }
}

/** The lexer mends only the first doubled quote of a string. */
function unquoted(token: Token): Token {
  if (token.type !== TokenType.STRING) return token;
  return { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") };
}

function namesIn(tokens: readonly Token[]) {
  const contexts: string[] = [];
  const functions: string[] = [];
  for (const [at, { type, lexeme }] of tokens.entries()) {
    if (type !== TokenType.IDENTIFIER || tokens[at - 1]?.type === TokenType.DOT) continue;
    (tokens[at + 1]?.type === TokenType.LEFT_PAREN ? functions : contexts).push(lexeme);
  }
  return { contexts, functions };
}

function reasonOf(cause: unknown): string {
  const { message } = cause as Error;
  const symbol = /^Unexpected symbol: '(.*?)'(?:\. Located at position (\d+)|$)/s.exec(message);
  if (symbol) {
    const [, text = "", at] = symbol;
    if (text === "EOF") return "it ends too early";
    if (text.startsWith('"')) return 'text stands between single quotes, not "';
    if (text.startsWith("'")) return "a quote is not closed";
    return `"${cut(text, 40)}" cannot stand ${at ? `at character ${at}` : "there"}`;
  }
  const last = /'(.*)'$/s.exec(message)?.[1] ?? "";
  if (message.startsWith("Unexpected end")) return "it ends too early";
  if (message.startsWith("Too few"))
    return `${last}() needs ${FUNCTIONS.get(last.toLowerCase())?.least} values`;
  if (message.startsWith("Too many"))
    return `${last}() takes at most ${FUNCTIONS.get(last.toLowerCase())?.most} values`;
  if (message.startsWith("Exceeded max expression depth")) return "it is nested too deeply";
  return message;
}

type Found = {
  nodes: number;
  readonly paths: Path[];
  readonly calls: Set<string>;
  readonly comparisons: [Expr, Expr][];
};

function walk(node: Expr, found: Found): void {
  const path = pathOf(node);
  if (path) {
    found.nodes += 1 + path.keys.length;
    found.paths.push({ root: path.root, keys: path.keys });
    for (const index of path.dynamic) walk(index, found);
    return;
  }
  found.nodes += 1;
  if (node instanceof Unary) walk(node.expr, found);
  else if (node instanceof Grouping) walk(node.group, found);
  else if (node instanceof Binary) {
    if ([TokenType.EQUAL_EQUAL, TokenType.BANG_EQUAL].includes(node.operator.type))
      found.comparisons.push([node.left, node.right]);
    walk(node.left, found);
    walk(node.right, found);
  } else if (node instanceof Logical) for (const part of node.args) walk(part, found);
  else if (node instanceof FunctionCall) {
    found.calls.add(node.functionName.lexeme.toLowerCase());
    for (const part of node.args) walk(part, found);
  } else if (node instanceof IndexAccess) {
    walk(node.expr, found);
    walk(node.index, found);
  }
}

/** The path that a node is, from a context's name on; `dynamic` = its computed keys. */
export function pathOf(node: Expr): (Path & { readonly dynamic: readonly Expr[] }) | undefined {
  const keys: (string | undefined)[] = [];
  const dynamic: Expr[] = [];
  let part = node;
  while (part instanceof IndexAccess) {
    const { index } = part;
    const isName = index instanceof Literal && index.literal.primitive;
    keys.unshift(isName ? index.literal.coerceString() : undefined);
    if (!isName && !(index instanceof Star)) dynamic.push(index);
    part = part.expr;
  }
  return part instanceof ContextAccess ? { root: part.name.lexeme.toLowerCase(), keys, dynamic } : undefined;
}

/** The status functions that an expression calls, in the spelling of the documentation. */
export function statusCalls({ calls }: Parsed): readonly string[] {
  return [...calls].filter((name) => STATUS_FUNCTIONS.has(name));
}
