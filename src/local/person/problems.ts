import type { FastifyInstance } from "fastify";
import { REFUSALS, Refusal, type RefusalCode } from "../../kernel/refusal.ts";
import { DiscordError } from "../errors.ts";

/** Answers refusals of `/local/*` as problem+json. */
export function addProblems(app: FastifyInstance): void {
  app.setErrorHandler((thrown, _, reply) => {
    const refusal = thrown instanceof Refusal ? thrown : refusalFor(thrown);
    if (!refusal) {
      return reply
        .code(500)
        .type("application/problem+json")
        .send({ type: "about:blank", title: "Something broke", status: 500, code: "broken" });
    }
    return reply.code(REFUSALS[refusal.code][0]).type("application/problem+json").send(problemOf(refusal));
  });
  app.setNotFoundHandler((_, reply) =>
    reply
      .code(404)
      .type("application/problem+json")
      .send(problemOf(new Refusal("not_found", "There is no such route."))),
  );
}

export function problemOf(refusal: Refusal): Record<string, unknown> {
  const [status, , title] = REFUSALS[refusal.code];
  return {
    type: "about:blank",
    title,
    status,
    code: refusal.code,
    detail: refusal.message,
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    ...(refusal.problems.length === 0 ? {} : { problems: refusal.problems }),
  };
}

function refusalFor(thrown: unknown): Refusal | undefined {
  if (thrown instanceof DiscordError) {
    const [first] = thrown.problems;
    const detail = first ? `${first.path}: ${first.message}` : thrown.message;
    return new Refusal(codeOf(thrown.status), detail, { problems: thrown.problems, cause: thrown });
  }
  const status = (thrown as { statusCode?: number }).statusCode ?? 500;
  if (status >= 500) return undefined;
  return new Refusal(codeOf(status), (thrown as Error).message, { cause: thrown });
}

function codeOf(status: number): RefusalCode {
  if (status === 403) return "not_allowed";
  if (status === 404) return "not_found";
  if (status === 413) return "too_large";
  if (status === 415) return "unsupported_media_type";
  return "invalid_input";
}
