import type { Answer, Question } from "../answer.ts";
import { writeDocument } from "./document.ts";
import { fillForm } from "./forms.ts";
import { fillTemplate } from "./templates.ts";
import { castVote, writeBrief, writeConsensus } from "./vote.ts";

/** What any of the agents does when it is asked in one of these forms: a vote, a template, a form, a brief, a consensus, a document in sections. */
export function deskWork(question: Question): Answer | undefined {
  return (
    castVote(question) ??
    fillTemplate(question) ??
    fillForm(question) ??
    writeBrief(question) ??
    writeConsensus(question) ??
    writeDocument(question)
  );
}
