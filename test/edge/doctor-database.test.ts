import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { MIGRATIONS } from "../../src/ledger/postgres/migrations.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { query } from "../ledger/postgres-query.ts";
import { PASSWORD, startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { newInstallation } from "./setup-fixture.ts";

const folder = temporaryFolder("hq-tls-");
const key = join(folder.path, "server.key");
const certificate = join(folder.path, "server.crt");
execFileSync(
  "openssl",
  [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-keyout",
    key,
    "-out",
    certificate,
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
  ],
  { stdio: "ignore" },
);
const plain = await startPostgres();
const encrypted = await startPostgres({ tls: { key, certificate } });
after(async () => {
  await plain.stop();
  await encrypted.stop();
  folder.remove();
});

type Installation = ReturnType<typeof newInstallation>;

async function database({ run }: Installation, env: Record<string, string>): Promise<Finding | undefined> {
  const { out } = await run(["doctor", "--json"], env);
  assert.ok(!out.includes(PASSWORD));
  return (JSON.parse(out) as { findings: readonly Finding[] }).findings.find(({ id }) => id === "database");
}

test("doctor says which database it is, its version and the ledger's, and that fsync is off", async (t) => {
  const here = newInstallation(t);
  const url = await plain.createDatabase();
  const empty = await database(here, { DATABASE_URL: url });
  assert.match(
    empty?.text ?? "",
    /^hq_\w+ at 127\.0\.0\.1:\d+: PostgreSQL \d+(\.\d+)?, no ledger yet: the first start makes it/,
  );
  assert.equal(empty?.status, "warn");
  assert.match(`${empty?.text} ${empty?.mend}`, /power loss.*fsync = on/);
  await (await openPostgresLedger({ url })).close();
  assert.match(
    (await database(here, { DATABASE_URL: url }))?.text ?? "",
    new RegExp(`ledger version ${MIGRATIONS.length};`),
  );
  assert.equal(await database(here, {}), undefined, "without a database there is nothing to say");
});

test("doctor says what is wrong with the database and how to mend it", async (t) => {
  const here = newInstallation(t);
  const url = await plain.createDatabase();
  const said = async (address: string) => {
    const finding = await database(here, { DATABASE_URL: address });
    assert.equal(finding?.status, "fail");
    return `${finding?.text} → ${finding?.mend}`;
  };
  assert.match(await said(url.replace(/:\d+\//, ":1/")), /does not answer\. Start it/);
  assert.match(
    await said(url.replace(PASSWORD, "nonsense-1")),
    /refuses the user or the password\. Correct DATABASE_URL/,
  );
  await (await openPostgresLedger({ url })).close();
  await query(url, "insert into hq.migration (version) values (9)");
  assert.match(await said(url), /version 9.*→ Start the newer program/);
  await query(url, "drop schema hq cascade");
  const { pathname } = new URL(url);
  await query(url, "create role guest login password 'guest-password'");
  await query(url, `revoke all on database ${pathname.slice(1)} from public`);
  await query(url, `grant connect on database ${pathname.slice(1)} to guest`);
  const asGuest = url.replace(/\/\/[^@]*@/, "//guest:guest-password@");
  assert.match(await said(asGuest), /may make nothing there → grant create on database/);
  await assert.rejects(openPostgresLedger({ url: asGuest }), /may not do that/);
});

test("the database may stand in config/hq.yaml, and the environment wins over it", async (t) => {
  const here = newInstallation(t);
  const url = await plain.createDatabase();
  const file = join(here.root, "config", "hq.yaml");
  writeFileSync(file, `database: ${url.replace(`:${PASSWORD}@`, "@")}\n`);
  const named = new URL(url).pathname.slice(1);
  assert.match(
    (await database(here, {}))?.text ?? "",
    /wants a password, and none is given\. Set PGPASSWORD/,
  );
  assert.match((await database(here, { PGPASSWORD: PASSWORD }))?.text ?? "", new RegExp(`^${named} at`));
  // As `.env.example` says, and what an address says itself goes first.
  writeFileSync(join(here.root, ".env"), `PGPASSWORD="${PASSWORD}"\n`, { mode: 0o600 });
  assert.match((await database(here, {}))?.text ?? "", new RegExp(`^${named} at`));
  const wrong = url.replace(`:${PASSWORD}@`, ":wrong-password@");
  assert.match(
    (await database(here, { DATABASE_URL: wrong }))?.text ?? "",
    /refuses the user or the password/,
  );
  const other = await plain.createDatabase();
  assert.match(
    (await database(here, { DATABASE_URL: other }))?.text ?? "",
    new RegExp(`^${new URL(other).pathname.slice(1)} at`),
  );
  writeFileSync(file, `database: ${url}\n`);
  const { code, err } = await here.run(["check"]);
  assert.equal(code, 2);
  assert.match(err, /hq\.yaml:1:11 database: looks like a secret/);
  assert.ok(!err.includes(PASSWORD));
});

test("hq check refuses an address that can be none, without a network", async (t) => {
  const here = newInstallation(t);
  const { code, err } = await here.run(["check"], { DATABASE_URL: `mysql://hq:${PASSWORD}@db/hq` });
  assert.equal(code, 2);
  assert.match(err, /no address of a PostgreSQL database/);
  assert.ok(!err.includes(PASSWORD));
  const unknown = await here.run(["check"], {
    DATABASE_URL: "postgres://db.example/hq?sslmode=verify-ca&sslrootcert=/nowhere",
  });
  assert.match(unknown.err, /sslrootcert that cannot be read: \/nowhere/);
});

test("TLS is what sslmode says, as far as the certificate's name", async () => {
  const url = await encrypted.createDatabase();
  const local = url.replace("127.0.0.1", "localhost");
  const works = async (address: string) => {
    const ledger = await openPostgresLedger({ url: address });
    const rows = await query(
      url,
      "select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'atomizer-hq'",
    );
    await ledger.now();
    await ledger.close();
    return rows;
  };
  const refused = /TLS that was asked for/;
  await works(`${url}?sslmode=require`);
  await works(`${url}?sslmode=prefer`);
  await assert.rejects(works(`${local}?sslmode=verify-full`), refused, "nobody vouches for it");
  await works(`${local}?sslmode=verify-full&sslrootcert=${certificate}`);
  await works(`${url}?sslmode=verify-ca&sslrootcert=${certificate}`);
  await assert.rejects(
    works(`${url}?sslmode=verify-full&sslrootcert=${certificate}`),
    refused,
    "it is another's name",
  );
  const ledger = await openPostgresLedger({ url: `${url}?sslmode=require` });
  await ledger.now();
  const rows = await query(
    url,
    "select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'atomizer-hq'",
  );
  assert.deepEqual(rows, [{ ssl: true }]);
  await ledger.close();
  const bare = await plain.createDatabase();
  await (await openPostgresLedger({ url: `${bare}?sslmode=prefer` })).close();
});

test("what is missing on this machine for these tests is named with the command that installs it", async () => {
  const { postgresBinaries } = await import("../support/postgres.ts");
  assert.throws(
    () => postgresBinaries(join(folder.path, "nothing")),
    /PostgreSQL is not installed\. Run: apt-get install -y postgresql/,
  );
  assert.ok(existsSync(join(postgresBinaries(), "initdb")));
});
