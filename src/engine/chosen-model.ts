import type { Order } from "../domain/delegation-types.ts";
import { chooseModel } from "../domain/model-choice.ts";
import type { Settings } from "../domain/settings.ts";
import { wordsIn } from "../domain/templates/render-template.ts";
import type { DelegateRequest } from "./verbs.ts";

/** The model for everything that goes to the agent of this order: its task, attachments and context. */
export function chosenModel(
  { model, template, capability }: Pick<DelegateRequest, "model" | "template" | "capability">,
  order: Pick<Order, "objective" | "attachments" | "channelContext">,
  settings: Pick<Settings, "models" | "taskQueue">,
): Pick<Order, "model" | "modelChoice"> {
  if (model === undefined) return {};
  const texts = [order.objective, ...order.attachments.map(({ text }) => text), order.channelContext?.text];
  const words = texts.reduce((sum, text) => sum + wordsIn(text ?? ""), 0);
  const modelChoice = chooseModel(model, { words, template, capability }, settings);
  if (!modelChoice) throw new Error(`${model} is no model, and was not refused`);
  return {
    ...(modelChoice.model === undefined ? {} : { model: modelChoice.model }),
    modelChoice,
  };
}
