const KEY = "local-guild.key";

/** What the guild refused, with what to do next. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The guild answered ${status}.`);
    this.status = status;
    this.code = body?.code;
    this.hint = body?.hint;
    this.problems = body?.problems ?? [];
  }
}

/** Nobody answered, or the answer broke off. */
export class Unreached extends Error {
  constructor(cause) {
    super("The local guild does not answer.", { cause });
    this.hint = "Try again when the connection is back.";
  }
}

/** Takes the key out of the address bar at once and keeps it for this tab only. */
export function takeKey() {
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
  const key = fragment.get("key");
  if (key) {
    sessionStorage.setItem(KEY, key);
    fragment.delete("key");
    const rest = fragment.toString();
    history.replaceState(null, "", `${location.pathname}${location.search}${rest ? `#${rest}` : ""}`);
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function createApi() {
  let person = "you";
  const headers = (more = {}) => {
    const key = sessionStorage.getItem(KEY);
    return key ? { ...more, authorization: `Bearer ${key}` } : more;
  };

  async function ask(path, act) {
    try {
      const response = await fetch(path, act);
      const isJson = /json/.test(response.headers.get("content-type") ?? "");
      const body = isJson && response.status !== 204 ? await response.json() : undefined;
      if (response.ok) return body;
      throw new Refused(response.status, body);
    } catch (error) {
      throw error instanceof Refused ? error : new Unreached(error);
    }
  }

  function query(more) {
    const search = new URLSearchParams({ as: person });
    for (const [name, value] of Object.entries(more))
      if (value !== undefined) search.set(name, String(value));
    return search;
  }

  return {
    get person() {
      return person;
    },
    set person(name) {
      person = name;
    },
    headers,
    query,
    get: (path, more = {}) => ask(`${path}?${query(more)}`, { headers: headers() }),
    send: (method, path, body = {}) => {
      const json = JSON.stringify({ as: person, ...body });
      const act = { method, headers: headers({ "content-type": "application/json" }) };
      return ask(path, Object.assign(act, { body: json }));
    },
    remove: (path, more = {}) => ask(`${path}?${query(more)}`, { method: "DELETE", headers: headers() }),
    upload: (path, body, files) => {
      const form = new FormData();
      form.set("payload_json", JSON.stringify(Object.assign({ as: person }, body)));
      files.forEach((file, index) => form.set(`files[${index}]`, file, file.name));
      return ask(path, { method: "POST", headers: headers(), body: form });
    },
  };
}
