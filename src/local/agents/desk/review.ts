export type Issue = {
  readonly file: string;
  readonly line: number | null;
  readonly severity: string;
  readonly category: string;
  readonly description: string;
  readonly suggestion: string;
};
type Sign = Omit<Issue, "file" | "line"> & { readonly sign: RegExp };

const SIGNS: readonly Sign[] = [
  {
    sign: /\b(?:password|secret|api_?key|token)\s*[:=]\s*["'][^"']+["']/i,
    severity: "critical",
    category: "security",
    description: "a secret stands in the code",
    suggestion: "read it from the environment",
  },
  {
    sign: /\b(?:eval|exec)\(/,
    severity: "critical",
    category: "security",
    description: "text is run as code",
    suggestion: "parse what is expected, and nothing else",
  },
  {
    sign: /\bexcept\s*:|catch\s*(?:\([^)]*\))?\s*\{\s*\}/,
    severity: "high",
    category: "error handling",
    description: "every error is swallowed",
    suggestion: "name the errors that are expected and let the others go on",
  },
  {
    sign: /[!=]= ?None\b|[^=!]==[^=]\s*null\b/,
    severity: "medium",
    category: "bugs",
    description: "nothing is compared by value",
    suggestion: "compare by identity",
  },
];

/** What a handful of patterns finds, line by line. */
export function issuesIn(code: string, file: string): readonly Issue[] {
  return code.split("\n").flatMap((text, index) =>
    SIGNS.filter(({ sign }) => sign.test(text)).map(
      ({ severity, category, description, suggestion }): Issue => ({
        file,
        line: index + 1,
        severity,
        category,
        description,
        suggestion,
      }),
    ),
  );
}
