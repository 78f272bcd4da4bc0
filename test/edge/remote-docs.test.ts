import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { ownHosts, refuseForeign } from "../../src/api/guards.ts";
import { loaded } from "../config/folder.ts";
import { ROOT } from "../support/supervisor.ts";

const GUIDE = readFileSync(join(ROOT, "docs/guide/remote-agents.md"), "utf8");

function blocksOf(language: string): readonly string[] {
  return [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, text = ""]) => text,
  );
}

test("the configuration of the guide is valid, without a doubt beside certificates that are not there", (t) => {
  const [agents = "", hq = ""] = blocksOf("yaml");
  const { warnings, config } = loaded(t, { "agents.yaml": agents, "hq.yaml": hq });
  const doubts = warnings.filter(({ message }) => !message.includes("defaults hold"));
  assert.deepEqual(doubts, []);
  assert.equal(config.registry.find("webster")?.handoffVia, "rest");
});

/** nginx and Caddy are no part of what a test may need, so their examples are held to what matters of them. */
test("both proxies of the guide speak TLS, let uploads through, and know of HQ what it really listens on", () => {
  const [nginx = ""] = blocksOf("nginx");
  const [caddy = ""] = blocksOf("caddy");
  for (const open of [nginx, caddy]) assert.equal(open.split("{").length, open.split("}").length);
  assert.match(nginx, /listen 443 ssl;[\s\S]*ssl_certificate [^;]+;[\s\S]*ssl_certificate_key [^;]+;/);
  for (const example of [nginx, caddy]) assert.match(example, /127\.0\.0\.1:18700/);
});

test("what the nginx examples pass on as Host is answered, with a port in the address as well", () => {
  const guides = ["remote-agents", "interactions"].map((name) =>
    readFileSync(join(ROOT, `docs/guide/${name}.md`), "utf8"),
  );
  for (const public_url of ["https://hq.example.org", "https://hq.example.org:8443"]) {
    const { host: asked, hostname } = new URL(public_url);
    const passed: Readonly<Record<string, string>> = { $host: hostname, $http_host: asked };
    for (const guide of guides) {
      const [, variable = ""] = /proxy_set_header Host (\$\w+);/.exec(guide) ?? [];
      const headers = { host: passed[variable] };
      assert.doesNotThrow(() => refuseForeign({ method: "POST", headers }, ownHosts(18_700, [asked])));
    }
  }
});
