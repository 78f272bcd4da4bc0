import assert from "node:assert/strict";
import test from "node:test";
import { isSignedBy, makeSigningKeys, publicKeyOf, signWith } from "../../src/kernel/signature.ts";

/** RFC 8032, section 7.1, test 3. */
const KNOWN = {
  key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  message: Buffer.from("af82", "hex"),
  signature:
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
};

const keyOf = (hex: string) => {
  const key = publicKeyOf(hex);
  assert.ok(key);
  return key;
};

test("a signature of the standard's own example is right, and wrong for every other byte, key and signature", () => {
  const { message, signature } = KNOWN;
  const key = keyOf(KNOWN.key);
  assert.equal(isSignedBy(key, message, signature), true);
  assert.equal(isSignedBy(key, message, signature.toUpperCase()), true);
  assert.equal(isSignedBy(key, Buffer.from("af83", "hex"), signature), false);
  assert.equal(isSignedBy(key, message, signature.replace(/^62/, "63")), false);
  assert.equal(isSignedBy(keyOf(makeSigningKeys().publicKey), message, signature), false);
});

test("what is no signature is a wrong one, and what is no key is none", () => {
  const key = keyOf(KNOWN.key);
  for (const text of ["", "62", KNOWN.signature.slice(2), `${KNOWN.signature}00`, "z".repeat(128)]) {
    assert.equal(isSignedBy(key, KNOWN.message, text), false, text);
  }
  for (const text of ["", KNOWN.key.slice(2), `${KNOWN.key}00`, "z".repeat(64)]) {
    assert.equal(publicKeyOf(text), undefined, text);
  }
});

test("what one half of a pair signs, the other half knows", () => {
  const { privateKey, publicKey } = makeSigningKeys();
  const message = Buffer.from("1700000000{}");
  assert.equal(isSignedBy(keyOf(publicKey), message, signWith(privateKey, message)), true);
});
