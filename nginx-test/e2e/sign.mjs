// URLs and cookies signed by `@aws-sdk/cloudfront-signer`, on request (signers.py): first a line with the private keys
// by id, then a list of inputs a line in, a list of outputs a line out.

import { createInterface } from "node:readline";
import { getSignedCookies, getSignedUrl } from "@aws-sdk/cloudfront-signer";

let keys;

function signed({ cookies, keyPairId, ...input }) {
  const all = { ...input, keyPairId, privateKey: keys[keyPairId] };
  try {
    return cookies ? { cookies: getSignedCookies(all) } : { url: getSignedUrl(all) };
  } catch (error) {
    return { error: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (keys) {
    console.log(JSON.stringify(request.map(signed)));
  } else {
    keys = request;
    console.log("{}");
  }
}
