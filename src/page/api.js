export const BASE = "/api/v1";

/** What the supervisor refused, in its words, with what to do next. `status` 0 = it did not answer. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The supervisor answered ${status}.`);
    this.status = status;
    this.code = body?.code;
    this.hint = body?.hint;
    this.problems = body?.problems ?? [];
  }
}

const NO_ANSWER = {
  detail: "The supervisor does not answer.",
  hint: "Is it running? npm start or hq start begins it; this page goes on by itself.",
};

/** REST with the session's cookie. `onSignedOut` is told when the session is over. */
export function createApi({ onSignedOut }) {
  async function send(method, path, body) {
    const json =
      body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    try {
      return await fetch(`${BASE}${path}`, { method, credentials: "same-origin", ...json });
    } catch {
      throw new Refused(0, NO_ANSWER);
    }
  }

  /** Throws what was refused. */
  async function agreed(response, path) {
    if (response.ok) return response;
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    const refused = new Refused(response.status, isJson ? await response.json() : undefined);
    if (response.status === 401 && path !== "/page/session") onSignedOut(refused);
    throw refused;
  }

  async function ask(method, path, body) {
    const response = await agreed(await send(method, path, body), path);
    return response.status === 204 ? undefined : response.json();
  }

  return {
    get: (path, query = {}) => ask("GET", withQuery(path, query)),
    picture: async (path, query) => (await agreed(await send("GET", withQuery(path, query)), path)).blob(),
    post: (path, body) => ask("POST", path, body),
    remove: (path) => ask("DELETE", path),
  };
}

export function withQuery(path, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") search.set(name, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}
