import { h } from "../node.js";
import { panel } from "../parts.js";
import { dot } from "../states.js";
import { instant, span } from "../time.js";

/** Each says every 2.5 s that it lives; who is silent for this long is looked at with doubt. */
const SILENT_MS = 6000;
/** No more than the question for it may take. */
const EVEN_MS = 5;

/** Who works on the ledger together, where it is shared. */
export function membersPanel({ members, at }) {
  if (!members) return undefined;
  return panel(
    "Supervisors",
    { key: "members", count: members.length },
    h(
      "ul",
      { class: "members", "aria-label": "Supervisors" },
      members.map((member) => line(member, at)),
    ),
  );
}

function line(member, now) {
  const { home, host, pid, version, isUs, leads, isTemporary, differs, standsBack, api } = member;
  const { startedAt, seenAt, behind = 0, clockAheadMs = 0 } = member;
  const silentMs = now - seenAt;
  return h(
    "li",
    { key: home, class: "member" },
    dot(silentMs > SILENT_MS ? "late" : "up", 16),
    h(
      "div",
      { class: "member-said" },
      h(
        "p",
        { class: "member-name", title: api ?? home },
        h("strong", {}, host ?? home),
        pid === undefined ? undefined : h("span", { class: "muted" }, `pid ${pid}`),
        isUs ? h("span", { class: "member-mark" }, "this one") : undefined,
        leads ? h("span", { class: "member-mark member-leads" }, "leads on Discord") : undefined,
        isTemporary ? h("span", { class: "member-mark" }, "temporary") : undefined,
      ),
      h(
        "p",
        { class: "member-facts" },
        h("span", {}, `version ${version}`),
        h("span", {}, "since ", instant(startedAt)),
        h("span", {}, `heard ${span(Math.floor(silentMs / 1000) * 1000)} ago`),
        h("span", {}, behind === 0 ? "up to date" : `${behind} ${behind === 1 ? "event" : "events"} behind`),
        h("span", {}, clockText(clockAheadMs)),
      ),
      differs
        ? h("p", { class: "member-differs" }, `Other ${differs.join(", ")} than the one that leads.`)
        : undefined,
      standsBack
        ? h(
            "p",
            { class: "member-differs" },
            "Did not reach Discord at ",
            instant(standsBack.since),
            `: ${standsBack.why}`,
          )
        : undefined,
      h("p", { class: "faint member-home" }, home),
    ),
  );
}

/** Its own clock, beside the database's, by which all go. */
function clockText(aheadMs) {
  const ms = Math.round(Math.abs(aheadMs));
  if (ms < EVEN_MS) return "clock right";
  const much = ms < 1000 ? `${ms} ms` : span(ms);
  return `clock ${much} ${aheadMs > 0 ? "slow" : "fast"}`;
}
