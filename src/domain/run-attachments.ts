import { referencesOf } from "./expression.ts";

/** What stands beside a task: what its expression is, and its text. */
export type Attachment = { readonly name: string; readonly text: string };

/** The file with a step's whole result, for an agent that can read it. */
export type FileOf = (step: string) => string | undefined;

export type Fitted = {
  readonly attachments: readonly Attachment[];
  /** Sentences for the task: what is cut, and where the whole stands. */
  readonly notes: readonly string[];
  /** Steps whose files the agent is sent to. */
  readonly files: readonly string[];
};

const LONGEST_ATTACHMENT = 64 * 1024;
/** Of all attachments together: a gateway takes 256 KiB, the task and the rules included. */
const ATTACHED_BYTES = 192 * 1024;
/** Longer ones are summed up for agents that can read the whole themselves. */
const SUMMED_UP_ABOVE_BYTES = 16 * 1024;
const SUMMARY = 2000;
const CUT_MARK = /\n\[… cut: \d+ characters in all\]$/;

/** All together within what a gateway takes; the same input is cut the same way. */
export function fitting(data: readonly Attachment[], run: string, fileOf: FileOf): Fitted {
  const summed = new Map<string, readonly string[]>();
  const wanted = data.map(({ name, text }) => {
    const steps = filesFor(name, text, fileOf);
    if (steps.length === 0) return { name, text };
    summed.set(name, steps);
    return { name, text: firstParagraphs(text) };
  });
  const attachments = withinBytes(wanted);
  const notes = attachments.flatMap(({ name, text }) => {
    const steps = summed.get(name);
    if (steps) return [summaryNote(name, steps, fileOf)];
    return CUT_MARK.test(text) ? [cutNote(run, name)] : [];
  });
  return { attachments, notes, files: [...new Set([...summed.values()].flat())] };
}

/** The steps whose files hold a long text as a whole; none when it is short or a part of it has no file. */
function filesFor(name: string, text: string, fileOf: FileOf): readonly string[] {
  if (Buffer.byteLength(text) <= SUMMED_UP_ABOVE_BYTES) return [];
  const { steps, inputs, allInputs, item } = referencesOf(name);
  if (inputs.length > 0 || allInputs || item) return [];
  const ids = [...new Set(steps.map(({ id }) => id))];
  return ids.every((id) => fileOf(id) !== undefined) ? ids : [];
}

function withinBytes(data: readonly Attachment[]): readonly Attachment[] {
  const first = data.map(({ name, text }) => ({ name, text: cutTo(text, LONGEST_ATTACHMENT) }));
  const bytes = first.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (bytes <= ATTACHED_BYTES) return first;
  const share = ATTACHED_BYTES / bytes;
  return data.map(({ name, text }, n) => ({
    name,
    text: cutTo(text, Math.floor((first[n]?.text.length ?? 0) * share)),
  }));
}

/** As many whole paragraphs as fit, or the beginning of the first one. */
function firstParagraphs(text: string): string {
  const end = [...text.slice(0, SUMMARY + 2).matchAll(/\n\s*\n/g)].at(-1)?.index;
  return cutTo(text, end !== undefined && end > 0 ? end : SUMMARY);
}

function cutTo(text: string, length: number): string {
  // What was cut before keeps the number of all its characters.
  const mark = CUT_MARK.exec(text)?.[0];
  const body = mark === undefined ? text : text.slice(0, -mark.length);
  if (body.length <= length) return text;
  const kept = body.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept}${mark ?? `\n[… cut: ${text.length} characters in all]`}`;
}

function cutNote(run: string, name: string): string {
  const files = referencesOf(name).steps.map(({ id }) => `handoffs/workflows/${run}/${id}.json`);
  const where = files.length > 0 ? `; the whole text stands in ${[...new Set(files)].join(", ")}` : "";
  return `The attached context ${name} is cut${where}.`;
}

function summaryNote(name: string, steps: readonly string[], fileOf: FileOf): string {
  const paths = steps.map((id) => `\`${fileOf(id)}\``);
  return `The attached context ${name} is only its beginning. Read the whole of it before you use it; it stands in the JSON of ${paths.join(" and ")}.`;
}
