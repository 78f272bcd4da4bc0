import { cut, oneLine } from "../kernel/text.ts";

const TROUBLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (connection refused): start its gateway, or correct its url",
  ENOTFOUND: "there is no host of that name: correct its url",
  EAI_AGAIN: "the host's name could not be looked up: is the network up?",
  EHOSTUNREACH: "the host cannot be reached: is it on, and is the network up?",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  UND_ERR_DESTROYED: "the supervisor is stopping",
  UND_ERR_SOCKET: "the connection was closed before an answer came",
  ECONNRESET: "the connection was reset before an answer came",
  EPIPE: "the connection was closed while the request was sent",
  DEPTH_ZERO_SELF_SIGNED_CERT: "nobody vouches for its certificate: name its authority's as ca_file",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate is of an authority that is not known here: name that as ca_file",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate is of an authority that is not known here: name that as ca_file",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate is of an authority that is not known here: name that as ca_file",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name than that of its url",
};

/** Why a connection failed, for people. */
export function troubleText(cause: Error): string {
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return TROUBLE[code] ?? cause.message;
}

/** Nothing listens there: the one failure that leaves no doubt. */
export function isRefused(cause: Error): boolean {
  return "code" in cause && cause.code === "ECONNREFUSED";
}

/** Takes every trace of a secret out of a text. */
export function without(secret: string | undefined, text: string): string {
  const bearer = text.replace(/\b(bearer)\s+[^\s"'<>]+/gi, "$1 [hidden]");
  return secret ? bearer.replaceAll(secret, "[hidden]") : bearer;
}

/** What an answer says, in one line: its `error`, or the start of its text. */
export function answerText(body: string): string {
  const { error } = asRecord(body) ?? {};
  if (typeof error === "string") return oneLine(error);
  if (typeof error === "object" && error !== null) {
    const { message, code } = error as { message?: unknown; code?: unknown };
    if (typeof message === "string") return oneLine(message);
    if (typeof code === "string") return oneLine(code);
  }
  return oneLine(cut(body, 2000).replace(/<[^>]*>/g, " "), 120);
}

/** A JSON object, or undefined when the text is anything else. */
export function asRecord(body: string): Readonly<Record<string, unknown>> | undefined {
  if (!body.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(body) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
