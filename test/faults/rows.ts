import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../support/supervisor.ts";

const text = z.string().min(1);
const rowSchema = z.strictObject({
  fault: text,
  injected: text,
  /** What a person sees of it. */
  seen: text,
  /** Files of tests with the titles of those that inject it, as they are written there. */
  shown: z.record(text, z.array(text).min(1)),
});
const sectionSchema = z.strictObject({
  title: text,
  intro: text.optional(),
  rows: z.array(rowSchema).min(1),
});

export type Section = z.output<typeof sectionSchema>;
export type Row = Section["rows"][number];
export type Shown = { readonly file: string; readonly title: string };

/** Every fault that is injected on purpose, from test/faults/rows: the only place where they are listed. */
export function readSections(): readonly Section[] {
  const dir = join(ROOT, "test/faults/rows");
  return readdirSync(dir)
    .toSorted()
    .map((name) => sectionSchema.parse(parse(readFileSync(join(dir, name), "utf8"))));
}

export const shownBy = ({ shown }: Row): readonly Shown[] =>
  Object.entries(shown).flatMap(([file, titles]) => titles.map((title) => ({ file, title })));

/** A title as it is written, with `${what}` for each value of a loop, fits the names that tests have when they run. */
export function fitsTitle(title: string): (name: string) => boolean {
  const parts = title.split(/\$\{[^}]+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".+")}$`);
  return (name) => pattern.test(name);
}
