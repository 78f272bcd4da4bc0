import type { FastifyError, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { Refusal } from "../kernel/refusal.ts";
import { PROBLEM_JSON, problemOf } from "./problem.ts";

/** Answers an address that cannot be read, or of which a part is longer than any id: no route, and no hook, was reached. */
export function answerBadAddress(
  error: Pick<FastifyError, "code">,
  _: FastifyRequest,
  reply: FastifyReply,
): void {
  const problem = problemOf(
    error.code === "FST_ERR_MAX_PARAM_LENGTH"
      ? new Refusal("invalid_input", "The address has a part that is longer than any id or name here.")
      : new Refusal("invalid_input", "The address cannot be read: a % in it is no part of a letter.", {
          hint: "Encode ids and names as a part of an address (encodeURIComponent).",
        }),
  );
  void reply.code(problem.status).type(PROBLEM_JSON).send(problem);
}

/** Answers what is no request at all, and closes the connection. */
export const answerUnreadable: NonNullable<FastifyServerOptions["clientErrorHandler"]> = (error, socket) => {
  if (error.code !== "ECONNRESET" && socket.writable) {
    const problem = unreadable(error.code);
    const body = JSON.stringify(problem);
    socket.write(
      `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${PROBLEM_JSON}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroy();
};

function unreadable(code: string | undefined): ReturnType<typeof problemOf> {
  if (code === "HPE_HEADER_OVERFLOW") {
    const refusal = new Refusal("too_large", "The address and the headers are longer than this API reads.");
    return { ...problemOf(refusal), status: 431 };
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { ...problemOf(new Refusal("timed_out", "The request took too long to arrive.")), status: 408 };
  return problemOf(new Refusal("invalid_input", "That is no request in HTTP/1.1."));
}
