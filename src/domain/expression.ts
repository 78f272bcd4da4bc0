/** The language between `${{` and `}}`: what the rest of the domain uses of it. */
export { checkExpression, type ExpressionReport, type KnownNames } from "./expression-check.ts";
export {
  type ExpressionContext,
  evaluate,
  evaluateCondition,
  type StepValues,
} from "./expression-evaluate.ts";
export { ExpressionError } from "./expression-parse.ts";
export { type References, referencesOf, usesInput } from "./expression-references.ts";
export { expressionsIn, type RenderOptions, renderText } from "./expression-text.ts";
