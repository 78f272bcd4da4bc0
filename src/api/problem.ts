import type { FastifyError, FastifyInstance } from "fastify";
import type { Log } from "../engine/ports/log.ts";
import { newId } from "../kernel/id.ts";
import { isRefusal, type Problem, REFUSALS, Refusal } from "../kernel/refusal.ts";

/** RFC 9457, with the code of the refusal, what to do next, and every place that is not acceptable. */
export type ProblemDocument = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
};

export const PROBLEM_JSON = "application/problem+json";

export function problemOf(refusal: Refusal): ProblemDocument {
  const [status, , title] = REFUSALS[refusal.code];
  return {
    type: `urn:atomizer-hq:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.message,
    code: refusal.code,
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    ...(refusal.problems.length === 0 ? {} : { problems: refusal.problems }),
  };
}

/** What the web framework says no to, in our words; undefined = a bug. */
export function refusalOf(error: Partial<FastifyError>): Refusal | undefined {
  if (isRefusal(error)) return error;
  if (error.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new Refusal("unsupported_media_type", "The body is not application/json.", {
      hint: "Send the header Content-Type: application/json.",
    });
  }
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new Refusal("too_large", "The body is larger than this API reads.", {
      hint: "Attach less, or raise api.body_limit in config/hq.yaml.",
    });
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new Refusal("invalid_input", error.message ?? "The request cannot be read.");
  }
  return undefined;
}

/** Every error of every route leaves as application/problem+json; a bug shows an id, its details go to the log only. */
export function answerWithProblems(
  app: FastifyInstance,
  parts: { readonly log: Log; readonly now: () => number },
): void {
  app.setErrorHandler((error: Partial<FastifyError>, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal) {
      const problem = problemOf(refusal);
      if (refusal.code === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="atomizer-hq"');
      return reply.code(problem.status).type(PROBLEM_JSON).send(problem);
    }
    const id = newId("bug", parts.now());
    parts.log.error(
      { bug: id, method: request.method, route: request.routeOptions.url, err: error },
      "a request failed",
    );
    return reply
      .code(500)
      .type(PROBLEM_JSON)
      .send({
        type: "urn:atomizer-hq:problem:bug",
        title: "Something broke in the supervisor",
        status: 500,
        detail: `The log has the details under ${id}.`,
        code: "bug",
        id,
      });
  });
  app.setNotFoundHandler((request) => {
    throw new Refusal("not_found", `There is no ${request.method} ${request.url.split("?")[0]}.`, {
      hint: "GET /api/v1/openapi.json lists every route.",
    });
  });
}
