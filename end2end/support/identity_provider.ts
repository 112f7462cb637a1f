import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Configuration, Provider } from 'oidc-provider';

/** The provider's users and their claims. */
const people: Record<string, { email: string; name: string; role?: string }> = {
  grace: { email: 'grace@example.com', name: 'Grace Hopper' },
  vera: { email: 'vera@example.com', name: 'Vera Rubin', role: 'viewer' },
  mallory: { email: 'mallory@example.com', name: 'Mallory', role: 'something else' },
};

/** A real OpenID Connect provider, with a button per user for signing in. */
export class IdentityProvider {
  readonly clientId = 'import-relay';
  readonly clientSecret = 'e2e-oidc-client-secret-41d0';

  #provider: Provider;

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
    private readonly origin: string,
  ) {
    this.#provider = this.#withNewKeys();
  }

  /** `origin` is the app's. */
  static async start(origin: string): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const it = new IdentityProvider(`http://127.0.0.1:${port}`, server, origin);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const work = request.url?.startsWith('/interaction/')
        ? interaction(it.#provider, request, response)
        : it.#provider.callback()(request, response);
      work.catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    return it;
  }

  /** Replaces the signing keys. */
  rotateKeys(): void {
    this.#provider = this.#withNewKeys();
  }

  #withNewKeys(): Provider {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
    return new Provider(this.issuer, { ...this.#configuration(this.origin), jwks: { keys: [key] } });
  }

  #configuration(origin: string): Configuration {
    return {
      clients: [
        {
          client_id: this.clientId,
          client_secret: this.clientSecret,
          redirect_uris: [`${origin}/sign-in/oidc/callback`],
        },
      ],
      claims: { openid: ['sub', 'role'], email: ['email'], profile: ['name'] },
      cookies: { keys: ['of the test'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      pkce: { required: () => true },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
      // Asks for no consent.
      loadExistingGrant: async ({ oidc }) => {
        const grant = new oidc.provider.Grant({
          clientId: oidc.client?.clientId,
          accountId: oidc.session?.accountId,
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    };
  }

  /** Returns the settings of an app that uses it. */
  get settings(): Record<string, string> {
    return {
      OIDC_ISSUER: this.issuer,
      OIDC_CLIENT_ID: this.clientId,
      OIDC_CLIENT_SECRET: this.clientSecret,
      OIDC_NAME: 'Acme',
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** A button for each user, and one to cancel. */
async function interaction(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://provider');
  const login = searchParams.get('as');
  if (login !== null) {
    const result =
      login in people ? { login: { accountId: login } } : { error: 'access_denied', error_description: 'Nobody' };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const links = [...Object.keys(people), 'nobody'].map((who) => `<p><a href="${pathname}?as=${who}">I am ${who}</a>`);
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,"><h1>Acme</h1>${links.join('')}</html>`);
}
