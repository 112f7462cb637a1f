// Reads a JSON array of orders from standard input, and prints for each the `Cookie` header of an installation of
// Auth.js 5 (`@auth/core`) or NextAuth 4 (`next-auth`).
//
// An order: { version: 4 | 5, cookie, secret, claims, maxAge, enc?, noIat? }
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

import { hkdf } from '@panva/hkdf';
import { encode as encode5 } from '@auth/core/jwt';
import { EncryptJWT } from 'jose';

// Chunking is not exported, but is to be tested.
import { SessionStore as Store5 } from './node_modules/@auth/core/lib/utils/cookie.js';

const require = createRequire(import.meta.url);
const { encode: encode4 } = require('next-auth/jwt');
const { SessionStore: Store4 } = require('./node_modules/next-auth/core/lib/cookie.js');

const logger = { debug() {}, warn() {}, error() {} };

async function token({ version, cookie, secret, claims, maxAge, enc, noIat }) {
  if (version === 4) return encode4({ token: claims, secret, maxAge });
  if (noIat) {
    const key = await hkdf('sha256', secret, cookie, `Auth.js Generated Encryption Key (${cookie})`, 64);
    return new EncryptJWT(claims)
      .setProtectedHeader({ alg: 'dir', enc: 'A256CBC-HS512' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + maxAge)
      .encrypt(key);
  }
  if (!enc) return encode5({ token: claims, secret, maxAge, salt: cookie });
  // A form that `decode` of Auth.js 5 accepts but `encode` does not produce.
  const key = await hkdf('sha256', secret, cookie, `Auth.js Generated Encryption Key (${cookie})`, 32);
  return new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + maxAge)
    .encrypt(key);
}

async function header(order) {
  const option = { name: order.cookie, options: { secure: order.cookie.startsWith('__Secure-') } };
  const store =
    order.version === 4 ? new Store4(option, { cookies: {} }, logger) : new Store5(option, {}, logger);
  const cookies = store.chunk(await token(order), {});
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

const orders = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await Promise.all(orders.map(header))));
