// The check of one Django token in njs, as a site would write it that cares for speed. Unlike the module it leaves the
// token in the request and the logs.

// njs runs this anew for each request, so the key has been derived beforehand (js_preload_object).
import crypto from 'crypto';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function born(timestamp) {
    let number = 0;
    for (let i = 0; i < timestamp.length; i++) {
        number = number * 62 + digits.indexOf(timestamp[i]);
    }
    return number;
}

function verdict(r) {
    const argument = r.variables.arg_token;
    if (!argument) {
        return 'missing';
    }
    const token = decodeURIComponent(argument);
    const colon = token.indexOf(':');
    const timestamp = token.slice(0, colon);
    const mac = crypto.createHmac('sha256', Buffer.from(media_key.hex, 'hex'));
    const expected = mac.update(`${r.uri}:${timestamp}`).digest('base64url');
    // Not in constant time, which njs has no function for, and a loop would cost more than all the rest.
    if (token.slice(colon + 1) !== expected) {
        return 'invalid';
    }
    return Date.now() / 1000 - born(timestamp) > 120 ? 'expired' : 'granted';
}

export default { verdict };
