import type { TestEvent } from "node:test/reporters";

const LONGEST_REASON = 500;

/** For `node --test --test-reporter`: each test that ended, one JSON object a line. */
export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { file, name } = data;
    if (type === "test:fail") yield lineOf({ file, name, ok: false, reason: reasonOf(data.details.error) });
    else if (data.skip || data.todo) yield lineOf({ file, name, ok: false, reason: "it was skipped" });
    else yield lineOf({ file, name, ok: true });
  }
}

const lineOf = (ended: object) => `${JSON.stringify(ended)}\n`;

function reasonOf(error: Error): string {
  const { cause } = error;
  return (cause instanceof Error ? cause.message : error.message).slice(0, LONGEST_REASON);
}
