import type { z } from "zod";
import type { ConfigProblem } from "../domain/config.ts";
import { CHEAPEST, type ModelRule } from "../domain/model-choice.ts";
import { costOf, findModel, type TaskQueueSettings } from "../domain/task-settings.ts";
import { findTemplate, noTemplate } from "../domain/templates/templates.ts";
import type { hqSchema } from "./hq-schema.ts";
import { problemAt, suggest } from "./problems.ts";
import { toPrices } from "./task-queue-file.ts";
import type { YamlSource } from "./yaml-source.ts";

type Written = Pick<z.output<typeof hqSchema>, "models" | "task_queue">;

export function toModels(written: Written): readonly ModelRule[] {
  const queue = namesOf(written);
  return written.models.map(({ name, fits }) => ({
    name,
    model: findModel(queue, name)?.model ?? name,
    ...(fits.max_words === undefined ? {} : { maxWords: fits.max_words }),
    ...(fits.templates ? { templates: fits.templates.map((one) => findTemplate(one)?.name ?? one) } : {}),
    ...(fits.capabilities ? { capabilities: fits.capabilities } : {}),
  }));
}

/** Names that nothing has. */
export function checkModels(
  written: Written,
  source: YamlSource,
  capabilities: readonly string[],
): readonly ConfigProblem[] {
  const queue = namesOf(written);
  const aliases = Object.keys(queue.models);
  const found: ConfigProblem[] = [];
  const add = (path: readonly PropertyKey[], message: string, suggestion?: string) =>
    found.push(problemAt(source, path, message, { suggestion }));
  if (aliases.includes(CHEAPEST))
    add(["task_queue", "models", CHEAPEST], "is the word for the cheapest model that fits", "rename it");
  const known = capabilities.map((one) => one.toLowerCase());
  const names = written.models.map(({ name }) => findModel(queue, name)?.model ?? name);
  for (const [index, { name, fits }] of written.models.entries()) {
    const at = ["models", index];
    if (!findModel(queue, name))
      add([...at, "name"], `"${name}" is not in task_queue.models`, suggest(name, aliases));
    else if (names.indexOf(names[index] ?? name) < index)
      add([...at, "name"], `"${name}" has a rule before`, "make one rule of the two");
    for (const [i, one] of (fits.templates ?? []).entries()) {
      if (findTemplate(one)) continue;
      const { message, suggestion } = noTemplate(one);
      add([...at, "fits", "templates", i], message, suggestion);
    }
    for (const [i, one] of (fits.capabilities ?? []).entries()) {
      if (known.includes(one.toLowerCase())) continue;
      const text = `no agent has the capability "${one}"`;
      add([...at, "fits", "capabilities", i], text, suggest(one, capabilities));
    }
  }
  return found;
}

/** Allowed, and worth a word. */
export function doubtsAboutModels(written: Written, source: YamlSource): readonly ConfigProblem[] {
  const queue = namesOf(written);
  const prices = toPrices(written.task_queue);
  return written.models.flatMap(({ name }, index) => {
    const model = findModel(queue, name)?.model;
    if (model === undefined || costOf(prices, model, { input: 1, output: 1 }) !== undefined) return [];
    const suggestion = "add it to task_queue.prices";
    const text = `"${name}" has no price, so it is never the cheapest`;
    return [problemAt(source, ["models", index, "name"], text, { suggestion })];
  });
}

function namesOf({ task_queue }: Written): Pick<TaskQueueSettings, "models" | "modelPrefixes"> {
  return { models: task_queue.models, modelPrefixes: task_queue.model_prefixes };
}
