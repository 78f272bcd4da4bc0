import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** An Ed25519 key from 64 hexadecimal characters; undefined when it is none. */
export function publicKeyOf(hex: string): KeyObject | undefined {
  const bytes = bytesOf(hex, PUBLIC_KEY_BYTES);
  if (!bytes) return undefined;
  return createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") },
    format: "jwk",
  });
}

/** Whether the owner of the key signed these bytes. Anything that is no signature is a wrong one. */
export function isSignedBy(key: KeyObject, message: Uint8Array, signature: string): boolean {
  const bytes = bytesOf(signature, SIGNATURE_BYTES);
  return bytes !== undefined && verify(null, message, key, bytes);
}

/** A key pair: the private half as PEM to be kept, the public one in hexadecimal to be told. */
export function makeSigningKeys(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: Buffer.from(x, "base64url").toString("hex"),
  };
}

export function signWith(privateKey: string, message: Uint8Array): string {
  return sign(null, message, privateKey).toString("hex");
}

function bytesOf(hex: string, length: number): Buffer | undefined {
  return new RegExp(`^[0-9a-fA-F]{${length * 2}}$`).test(hex) ? Buffer.from(hex, "hex") : undefined;
}
