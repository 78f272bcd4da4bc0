import { digestOf } from "../kernel/id.ts";
import { oneLine } from "../kernel/text.ts";
import type { Proposal } from "./evolution.ts";
import type { Evolved, FileChange } from "./work-types.ts";

const HEADING = "## Learned from finished work";
const LONGEST_LINE = 4000;
const AROUND = 3;

/** The files of an agent that are written here, where its workspace says so; everything else is the agent's own to change. */
export const WRITTEN_FILES: readonly string[] = ["SOUL.md", "TOOLS.md"];

/** What is proposed for one work item, as its message shows it. */
export type ProposalsView = { readonly slug: string; readonly evolved?: Evolved };

/** A file as it is now; the text of one that is not there is empty. */
export type Base = { readonly target: string; readonly text: string };
/** What becomes of a file, with the difference for people. */
export type Planned = FileChange & { readonly text: string; readonly diff: string };

const linesFor = (target: string, proposed: readonly Proposal[]): readonly string[] =>
  proposed.filter((one) => one.target === target).map(({ text }) => `- ${oneLine(text, LONGEST_LINE)}`);

/** The lines go to the end of the section of what was learned, which is made where there is none; none is there twice. */
export function planFile({ target, text }: Base, proposed: readonly Proposal[]): Planned {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const old = text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/);
  const fresh = [...new Set(linesFor(target, proposed))].filter((line) => !old.includes(line));
  const { at, lines } = placeFor(old, fresh);
  const now = lines.length === 0 ? text : [...old.slice(0, at), ...lines, ...old.slice(at), ""].join(end);
  return {
    target,
    before: digestOf(text),
    after: digestOf(now),
    text: now,
    diff: lines.length === 0 ? "" : diffOf(target, old, at, lines),
  };
}

function placeFor(old: readonly string[], fresh: readonly string[]) {
  if (fresh.length === 0) return { at: 0, lines: [] };
  const heading = old.indexOf(HEADING);
  if (heading < 0) {
    const gap = old.length > 0 && old.at(-1) !== "" ? [""] : [];
    return { at: old.length, lines: [...gap, HEADING, "", ...fresh] };
  }
  const next = old.findIndex((line, index) => index > heading && /^#{1,2} /.test(line));
  let at = next < 0 ? old.length : next;
  while (at > heading + 1 && old[at - 1]?.trim() === "") at--;
  return { at, lines: at === heading + 1 ? ["", ...fresh] : fresh };
}

function diffOf(target: string, old: readonly string[], at: number, lines: readonly string[]): string {
  const before = old.slice(Math.max(0, at - AROUND), at);
  const after = old.slice(at, at + AROUND);
  const count = before.length + after.length;
  const from = at - before.length + 1;
  return [
    `--- ${target}`,
    `+++ ${target}`,
    `@@ -${count === 0 ? 0 : from},${count} +${from},${count + lines.length} @@`,
    ...before.map((line) => ` ${line}`),
    ...lines.map((line) => `+${line}`),
    ...after.map((line) => ` ${line}`),
  ].join("\n");
}
