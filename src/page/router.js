/** `#/runs/wf-1?step=a` → `{place: "runs", id: "wf-1", query}`. */
export function readHash(hash) {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [place = "", ...rest] = path.split("/");
  return {
    place: place || "now",
    id: rest.length > 0 ? decode(rest.join("/")) : undefined,
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view. */
export function to(place, id, query = {}) {
  const search = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== ""),
  ).toString();
  return `#/${place}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${search ? `?${search}` : ""}`;
}

/** Where an id can be read, by what it looks like; `kind` when it is known. */
export function toSubject(id, kind) {
  const place = { delegation: "delegations", run: "runs", task: "queue", agent: "agents" }[kind];
  if (place) return to(place, id);
  return id.startsWith("wf-") && !id.includes(".") ? to("runs", id) : to("delegations", id);
}
