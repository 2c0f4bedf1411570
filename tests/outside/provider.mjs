// A certified OpenID provider with one client: for the tests beside it. It prints its port as
// JSON. Whoever comes is signed in without a page, as the header X-Person says, else as "ada".
// With SECRET the client is a web application's, else public.

import { createServer } from "node:http";
import Provider from "oidc-provider";

const ISSUER = process.env.ISSUER;
const REDIRECT = process.env.REDIRECT;

// "eve.elsewhere" has an address of another domain, "mallory.unverified" one that nobody checked.
const claimsOf = (sub) => ({
  sub,
  email: `${sub.split(".")[0]}@${sub.endsWith(".elsewhere") ? "other.test" : "example.org"}`,
  email_verified: !sub.endsWith(".unverified"),
  name: sub[0].toUpperCase() + sub.slice(1),
  preferred_username: sub.split(".")[0],
});

const provider = new Provider(ISSUER, {
  clients: [{
    ...(process.env.SECRET
      ? { client_id: "maestro-web", client_secret: process.env.SECRET }
      : { client_id: "maestro-public", token_endpoint_auth_method: "none", application_type: "native" }),
    redirect_uris: [REDIRECT],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  }],
  scopes: ["openid", "offline_access", "email", "profile"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  ttl: { AccessToken: 600, IdToken: 600, RefreshToken: 3600, AuthorizationCode: 60, Grant: 3600, Session: 3600, Interaction: 600 },
  findAccount: async (ctx, sub) => ({ accountId: sub, claims: async () => claimsOf(sub) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
});
provider.proxy = true; // it is reached through another address

// The person: signs in and agrees to everything that is asked.
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: request.headers["x-person"] ?? "ada" } });
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(" "));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

const handle = provider.callback();
const server = createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) { handle(request, response); return; }
  interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
