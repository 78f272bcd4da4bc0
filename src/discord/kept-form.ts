import { Refusal } from "../kernel/refusal.ts";
import type { Asked, CommandContext } from "./command.ts";
import type { Values } from "./input-form.ts";

/** The action of the forms for inputs. */
const FORM = "inputs";
/** More corrections of one form than anybody makes. */
const MOST_FORMS = 100;

/** A form of a workflow that begins, or one that goes on from what an earlier form brought. */
export type FormSubject =
  | { readonly kind: "new"; readonly workflow: string }
  | { readonly kind: "on"; readonly interaction: string; readonly page: number };

export function formSubject(subject: FormSubject): string {
  return subject.kind === "new" ? `new/${subject.workflow}` : `on/${subject.interaction}/${subject.page}`;
}

export function parseFormSubject(text: string): FormSubject | undefined {
  const [, workflow] = /^new\/(.+)$/.exec(text) ?? [];
  if (workflow) return { kind: "new", workflow };
  const [, interaction, page] = /^on\/(\d+)\/(\d+)$/.exec(text) ?? [];
  return interaction && page ? { kind: "on", interaction, page: Number(page) } : undefined;
}

export type Kept = {
  readonly workflow: string;
  readonly values: Values;
  /** The pages that were handed in. */
  readonly pages: readonly number[];
};

/**
 * What a person wrote so far: the forms are kept as noted interactions, each naming the one before, so nothing is
 * lost when the supervisor restarts in between. Only the person who wrote them goes on with them.
 */
export async function keptForms(asked: Asked, context: CommandContext): Promise<Kept> {
  const pages = new Set<number>();
  let values: Values = asked.kind === "modal" ? (asked.fields ?? {}) : {};
  let isOwn = asked.kind === "modal";
  let subject = parseFormSubject(asked.subject ?? "");
  for (let n = 0; n < MOST_FORMS; n++) {
    if (!subject) break;
    if (isOwn) pages.add(subject.kind === "new" ? 0 : subject.page);
    if (subject.kind === "new") return { workflow: subject.workflow, values, pages: [...pages] };
    const noted = await context.verbs.interactions.noted(subject.interaction);
    const before = noted?.work as Asked | undefined;
    if (before?.kind !== "modal" || before.name !== FORM) break;
    if (before.user.id !== asked.user.id) {
      throw new Refusal("not_allowed", "That form was begun by somebody else.", {
        hint: "Begin one of your own with `/workflow run`.",
      });
    }
    values = { ...before.fields, ...values };
    isOwn = true;
    subject = parseFormSubject(before.subject ?? "");
  }
  throw new Refusal("not_found", "What was written into that form is not kept any more.", {
    hint: "Begin again with `/workflow run`.",
  });
}
