import type { Answer, Question } from "../answer.ts";
import { writeDocument } from "./document.ts";
import { fillForm } from "./forms.ts";
import { castVote, writeBrief } from "./vote.ts";

/** What any of the agents does when it is asked in one of these forms: a vote, a form, a brief, a document in sections. */
export function deskWork(question: Question): Answer | undefined {
  return castVote(question) ?? fillForm(question) ?? writeBrief(question) ?? writeDocument(question);
}
