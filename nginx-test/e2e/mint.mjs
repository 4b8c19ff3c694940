// Keys and tokens made by `jose`, on request: a JSON object a line in, one a line out (minters.py).

import { createInterface } from "node:readline";
import { SignJWT, exportJWK, exportSPKI, generateKeyPair, generateSecret } from "jose";

const keys = new Map();

const requests = {
  // What nginx gets to know of a new key.
  async key({ name, alg }) {
    if (alg.startsWith("HS")) {
      const secret = await generateSecret(alg, { extractable: true });
      keys.set(name, { alg, signs: secret });
      return { jwk: await exportJWK(secret) };
    }
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.set(name, { alg, signs: privateKey });
    return { jwk: await exportJWK(publicKey), pem: await exportSPKI(publicKey) };
  },

  async token({ name, kid, claims, expires }) {
    const { alg, signs } = keys.get(name);
    const token = new SignJWT(claims).setProtectedHeader({ alg, ...(kid && { kid }) });
    return { token: await token.setIssuedAt().setExpirationTime(expires).sign(signs) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { request, ...parameters } = JSON.parse(line);
  console.log(JSON.stringify(await requests[request](parameters)));
}
