// npm's oidc-provider: the control of these stories, and a provider of users for rutter. Its clients are in the
// environment. Prints its issuer once it listens. Each line on its standard input replaces the RSA key; the end of it
// stops the server.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

// Node.js 20 lacks this function, which the library calls.
URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);
const { Provider } = await import("oidc-provider");

// The newest of each kind signs; all are published.
const keys = [];
function addKey(alg, ...kind) {
  const { privateKey } = generateKeyPairSync(...kind);
  keys.unshift({ ...privateKey.export({ format: "jwk" }), kid: `key-${keys.length}`, use: "sig", alg });
}
addKey("ES256", "ec", { namedCurve: "P-256" });

const cookieKey = randomBytes(32).toString("base64url");

/** Returns an account: any name has one. Addresses that begin with `new` are not verified. */
function account(accountId) {
  const name = accountId.replace("account-of-", "");
  const claims = {
    sub: accountId, name: `The user ${name}`, preferred_username: name,
    email: name.includes("@") ? name : `${name}@example.org`, email_verified: !name.startsWith("new"),
    groups: [`platform:${name.split("-")[0]}`],
  };
  return { accountId, claims: () => claims };
}

/** Makes a provider with the current keys. All have the library's storage in memory in common. */
function make(issuer) {
  const provider = new Provider(issuer, {
    clients: JSON.parse(process.env.CLIENTS),
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    scopes: ["openid", "profile", "email", "groups", "offline_access", "read"],
    claims: {
      openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"], groups: ["groups"],
    },
    // Some applications read claims from the ID token alone.
    conformIdTokenClaims: !process.env.CLAIMS_IN_ID_TOKEN,
    findAccount: (_, id) => account(id),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    pkce: { required: (_, client) => client.clientId !== "huggingface" },
    rotateRefreshToken: true,
    // The applications are at addresses that it would not call otherwise.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    features: {
      backchannelLogout: { enabled: true }, clientCredentials: { enabled: true }, devInteractions: { enabled: false },
      deviceFlow: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    ttl: {
      AccessToken: 900, ClientCredentials: 900, DeviceCode: 600, Grant: 3600, IdToken: 900, Interaction: 600,
      RefreshToken: 3600, Session: 3600,
    },
  });
  return provider.on("backchannel.error", (_, error) => console.error(error));
}

/** Signs in the user whom the cookie `user` names, who allows everything; other users refuse. */
async function interact(provider, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const [, name] = /\buser=([^;]+)/.exec(request.headers.cookie) ?? [];
  const finish = (result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (!name) return finish({ error: "access_denied" });
  if (prompt.name === "login") return finish({ login: { accountId: `account-of-${name}`, amr: ["pwd"] } });
  const { accountId } = session;
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return finish({ consent: { grantId: await grant.save() } });
}

/** Answers who may read, like an API with tokens of the provider. */
async function resource(provider, request, response) {
  const sent = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const token = (await provider.AccessToken.find(sent)) ?? (await provider.ClientCredentials.find(sent));
  response.writeHead(token?.scope?.split(" ").includes("read") ? 200 : 401).end();
}

let provider;
const server = createServer(async (request, response) => {
  try {
    if (request.url.startsWith("/interaction/")) await interact(provider, request, response);
    else if (request.url === "/resource") await resource(provider, request, response);
    else await provider.callback()(request, response);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(String(error));
  }
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const renew = () => {
    addKey("RS256", "rsa", { modulusLength: 2048 });
    provider = make(issuer);
  };
  renew();
  console.log(issuer);
  for await (const _ of createInterface({ input: process.stdin })) {
    renew();
    console.log("rotated");
  }
  process.exit();
});
