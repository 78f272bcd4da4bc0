import test from "node:test";
import { useConsole } from "./console-fixture.ts";
import { openPage, sees } from "./page-fixture.ts";

const at = useConsole();

const PAGES = [
  {
    name: "the local guild's page",
    file: "**/sidebar.js",
    address: async () => at.supervisor().ready.guild ?? "",
    heading: "technical",
  },
  { name: "the supervisor's page", file: "**/page/router.js", address: () => at.link(), heading: "Now" },
];

for (const { name, file, address, heading } of PAGES) {
  test(`a file of ${name} that did not come is read again, without a hand`, async (t) => {
    const page = await openPage(t, at.browser(), await address());
    const opened = page.getByRole("heading", { name: heading, exact: true });
    await sees(opened);
    await page.route(file, (route) => route.abort(), { times: 1 });
    await page.reload();
    await sees(opened);
  });

  test(`when a file of ${name} does not come at all, it says so`, async (t) => {
    const context = await at.browser().newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.route(file, (route) => route.abort());
    await page.goto(await address());
    await sees(page.getByText("Files of this page could not be read. Reload it to try again."));
  });
}
