// Applications with openid-client, which is strict: code with PKCE, `iss` and nonce, signed ID token, userinfo, refresh,
// introspection, revocation, client credentials, logout; and a program without a browser.

import assert from "node:assert/strict";
import * as client from "openid-client";

const provider = JSON.parse(process.env.PROVIDER);
const { issuer, redirect, after, resource, clients } = provider;
const scope = "openid profile email read";

/** A browser with a cookie that names its user, who allows everything. */
class Browser {
  cookies = new Map([provider.cookie.split("=")]);

  async fetch(url, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...options.headers, cookie, origin: issuer };
    const response = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const sent of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(sent);
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return response;
  }

  /** Opens a URL of the provider, and submits its forms. Returns where the browser leaves it, or the last page. */
  async open(start) {
    let url = new URL(start);
    let form;
    while (url.origin === issuer) {
      const [, ticket] = url.hash.split("#");
      if (ticket) return this.allow(url.pathname, ticket);
      const response = await this.fetch(url, form && { method: "POST", body: form });
      const page = await response.text();
      if (response.headers.has("location")) {
        url = new URL(response.headers.get("location"), url);
        form = undefined;
      } else if (page.includes("<form")) {
        const fields = [...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
        form = new URLSearchParams(fields.map(([, name, value]) => [name, value]));
        if (page.includes('name="logout"')) form.set("logout", "yes");
        url = new URL(/ action="([^"]+)"/.exec(page)[1], url);
      } else {
        assert.equal(response.status, 200, page);
        return url;
      }
    }
    return url;
  }

  /** Does what rutter's pages for consent and for devices do. */
  async allow(page, ticket) {
    const kind = page === "/oauth/device" ? "devices" : "requests";
    const response = await this.fetch(`${issuer}/api/v1/oauth/${kind}/${ticket}`, {
      method: "POST", body: JSON.stringify({ allow: true }), headers: { "content-type": "application/json" },
    });
    assert.ok(response.ok, `${page}: ${response.status}`);
    return response.status === 204 ? new URL(page, issuer) : new URL((await response.json()).location);
  }
}

async function discover({ id }, authentication) {
  const config = await client.discovery(new URL(issuer), id, undefined, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
  assert.ok(config.serverMetadata().supportsPKCE());
  return config;
}

/** Begins a login. Returns what the application remembers of it. */
async function begin(config, more = {}) {
  const kept = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() };
  kept.expectedNonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope, state: kept.expectedState, nonce: kept.expectedNonce, code_challenge_method: "S256",
    code_challenge: await client.calculatePKCECodeChallenge(kept.pkceCodeVerifier), ...more,
  });
  return [url, kept];
}

/** Checks that the library refuses something for this reason. */
function rejects(promise, reason) {
  return assert.rejects(promise, (error) => reason.test(error.cause?.message ?? error.message));
}

async function web(authentication, of) {
  const [browser, config] = [new Browser(), await discover(of, authentication)];
  const [url, kept] = await begin(config);
  const back = await browser.open(url);
  assert.equal(back.origin + back.pathname, redirect);

  // An answer of another server, and one that does not say whose it is.
  for (const [change, reason] of [
    [(parameters) => parameters.set("iss", "https://another.example.org"), /unexpected "iss"/],
    [(parameters) => parameters.delete("iss"), /"iss" \(issuer\) missing/],
    [(parameters) => parameters.set("state", "another"), /unexpected "state"/],
  ]) {
    const changed = new URL(back);
    change(changed.searchParams);
    await rejects(client.authorizationCodeGrant(config, changed, kept), reason);
  }
  let tokens = await client.authorizationCodeGrant(config, back, kept);
  const { sub } = tokens.claims();
  const user = await client.fetchUserInfo(config, tokens.access_token, sub);
  assert.deepEqual([user.preferred_username, user.email, user.email_verified], ["ada", "ada@example.org", true]);
  const read = (token) => client.fetchProtectedResource(config, token, new URL(resource), "GET");
  assert.equal((await read(tokens.access_token)).status, 200);

  // A nonce of another login.
  const [again, other] = await begin(config);
  const wrong = { ...other, expectedNonce: kept.expectedNonce };
  await rejects(client.authorizationCodeGrant(config, await browser.open(again), wrong), /"nonce"/);
  // Without asking; the user signed in a moment ago.
  const [silent, third] = await begin(config, { prompt: "none", max_age: "600" });
  const checked = { ...third, maxAge: 600 };
  tokens = await client.authorizationCodeGrant(config, await browser.open(silent), checked);

  const first = tokens;
  tokens = await client.refreshTokenGrant(config, first.refresh_token);
  assert.notEqual(tokens.refresh_token, first.refresh_token);
  const described = await client.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual([described.active, described.sub, described.client_id], [true, sub, of.id]);
  await client.tokenRevocation(config, tokens.refresh_token);
  assert.deepEqual({ ...(await client.tokenIntrospection(config, tokens.access_token)) }, { active: false });
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });

  const alone = await client.clientCredentialsGrant(config, { scope: "read" });
  assert.equal((await read(alone.access_token)).status, 200);

  await assert.rejects(client.authorizationCodeGrant(config, back, kept), { error: "invalid_grant" });
  return [browser, config, first.id_token];
}

/** Logs the user out of the provider. */
async function logOut([browser, config, hint]) {
  const [before, kept] = await begin(config);
  const tokens = await client.authorizationCodeGrant(config, await browser.open(before), kept);
  const parameters = { post_logout_redirect_uri: after, id_token_hint: hint, state: "a state" };
  const end = await browser.open(client.buildEndSessionUrl(config, parameters));
  assert.equal(end.href, `${after}?state=a+state`);
  const [silent, other] = await begin(config, { prompt: "none" });
  const answer = client.authorizationCodeGrant(config, await browser.open(silent), other);
  await assert.rejects(answer, { error: "login_required" });
  // The login at the application ended with the session.
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });
}

/** A program without a browser. */
async function device() {
  const config = await discover(clients.device, client.None());
  const asked = await client.initiateDeviceAuthorization(config, { scope });
  const grant = "urn:ietf:params:oauth:grant-type:device_code";
  const early = client.genericGrantRequest(config, grant, { device_code: asked.device_code });
  await assert.rejects(early, { error: "authorization_pending" });
  const page = await new Browser().open(asked.verification_uri_complete);
  assert.equal(page.origin, issuer);
  // It waits first.
  const tokens = await client.pollDeviceAuthorizationGrant(config, asked);
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(user.preferred_username, "ada");
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
}

const pending = device();
pending.catch(() => {});
await web(client.ClientSecretPost(clients.post.secret), clients.post);
const session = await web(client.ClientSecretBasic(clients.basic.secret), clients.basic);
// The session of the device has to last until it has its tokens.
await pending;
await logOut(session);
