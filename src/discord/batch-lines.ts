import { deliverySubject, deliveryWhat } from "../domain/delivery-id.ts";
import type { BatchBody } from "./render-lines.ts";

/** The words of a message for many and of its file, as they were read. */
export type ReadBatch = { readonly text: string; readonly file?: string };
export type AgreedWords = { readonly members: readonly string[]; readonly body: BatchBody };
type Times = ReadonlyMap<string, number>;

/** Text of others has no backtick of its own in a line of ours. */
const LOG_LINE = /`([^\s`]+\/log(?:~[^\s`/]+)?)`$/gm;
/** How the report of a delegation or run begins, and that of a worker, which names its task. */
const HEAD = /^(?:(\S+) · asked by |\[(?:SUCCESS|FAILED)\] (\S+) by )/gm;
const TITLE = /^### (\d+) results\b/;
const SMALL_PRINT = /^-# /;

/**
 * How often each delivery can be read in a message for many. Log lines name theirs. Everything else is compared with
 * what was agreed, line by line or head by head in numbers, so that what only looks alike is never taken for the same.
 */
export function linesIn(read: ReadBatch, agreed?: AgreedWords): Times | undefined {
  switch (kindOf(read, agreed)) {
    case "log":
      return logLines(read, agreed?.members ?? []);
    case "result":
      return agreed ? reports(read, agreed) : strangeReports(read);
    case "notice":
      return agreed && notices(read, agreed);
  }
}

function kindOf({ text }: ReadBatch, agreed?: AgreedWords): "log" | "result" | "notice" {
  const [member] = agreed?.members ?? [];
  if (member === undefined) return TITLE.test(text) ? "result" : text.match(LOG_LINE) ? "log" : "notice";
  const name = deliveryWhat(member);
  return name === "log" || name === "result" ? name : "notice";
}

/** A line may stand in the message and in its file, which has all of them. */
function logLines({ text, file = "" }: ReadBatch, members: readonly string[]): Times {
  const idsIn = (words: string) => counted([...words.matchAll(LOG_LINE)].map(([, id = ""]) => id));
  const inText = idsIn(text);
  const inFile = idsIn(file);
  const all = new Set([...members, ...inText.keys(), ...inFile.keys()]);
  return new Map([...all].map((id) => [id, Math.max(inText.get(id) ?? 0, inFile.get(id) ?? 0)]));
}

/**
 * What was answered stands in the file, each below its head. Of a head that an agent wrote into its answer as well
 * nobody can say whose it is: it counts as long as it is there.
 */
function reports({ file = "" }: ReadBatch, { members, body }: AgreedWords): Times {
  const wanted = counted(headsIn(body.file?.text ?? "").map(({ head }) => head));
  const there = counted(headsIn(file).map(({ head }) => head));
  const headOf = (member: string) => {
    const subject = deliverySubject(member);
    return wanted.has(subject) ? subject : subject.replace(/\.w\d+$/, "");
  };
  const owners = Map.groupBy(members, headOf);
  const timesIn = (head: string, of: number): readonly number[] => {
    const count = there.get(head) ?? 0;
    const isSure = wanted.get(head) === of;
    if (!isSure) return Array.from({ length: of }, () => Math.min(1, wanted.has(head) ? count : file.length));
    // Two tries of one task: the later ones are taken for those that are missing, or one too many.
    return Array.from({ length: of }, (_, n) =>
      Math.max(0, n === of - 1 ? count - n : Math.min(1, count - n)),
    );
  };
  return new Map(
    [...owners].flatMap(([head, own]) => {
      const times = timesIn(head, own.length);
      return own.map((member, n): [string, number] => [member, times[n] ?? 0]);
    }),
  );
}

/** Of a batch that nobody knows: only when there are as many heads as it says it has results. */
function strangeReports({ text, file = "" }: ReadBatch): Times | undefined {
  const heads = headsIn(file);
  const said = Number(TITLE.exec(text)?.[1]);
  if (heads.length !== said || heads.some(({ isTask }) => isTask)) return undefined;
  return counted(heads.map(({ head }) => `${head}/result`));
}

function headsIn(file: string): readonly { readonly head: string; readonly isTask: boolean }[] {
  return [...file.matchAll(HEAD)].map(([, id, task = ""]) => ({
    head: id ?? task,
    isTask: id === undefined,
  }));
}

function notices(read: ReadBatch, { members, body }: AgreedWords): Times | undefined {
  const agreed = wordsOf(body.file?.text ?? body.text);
  if (agreed.length !== members.length) return undefined;
  const inText = timesOf(agreed, wordsOf(read.text));
  const inFile = timesOf(agreed, wordsOf(read.file ?? ""));
  return new Map(members.map((member, n) => [member, Math.max(inText[n] ?? 0, inFile[n] ?? 0)]));
}

function wordsOf(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line) => line !== "" && !SMALL_PRINT.test(line));
}

/** Lines of which nobody knows may be agreed ones that were altered on their way: those are not missing. */
function timesOf(agreed: readonly string[], lines: readonly string[]): readonly number[] {
  const left = counted(lines);
  const times = agreed.map((line): number => {
    const count = left.get(line) ?? 0;
    left.set(line, Math.max(0, count - 1));
    return Math.min(1, count);
  });
  for (const [n, line] of [...agreed.entries()].toReversed()) {
    times[n] = (times[n] ?? 0) + (left.get(line) ?? 0);
    left.delete(line);
  }
  let altered = [...left.values()].reduce((sum, count) => sum + count, 0);
  return times.map((count) => (count === 0 && altered-- > 0 ? 1 : count));
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
