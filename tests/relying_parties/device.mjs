// A device on openid-client: prints what it shows its user, and what came of it.
import * as client from 'openid-client'

const { issuer, client_id, client_secret, scope } = JSON.parse(process.argv[2])
const say = (value) => console.log(JSON.stringify(value))

const config = await client.discovery(new URL(issuer), client_id, client_secret, undefined, {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
})
const begun = await client.initiateDeviceAuthorization(config, { scope })
say(begun.verification_uri_complete)
try {
  const tokens = await client.pollDeviceAuthorizationGrant(config, begun)
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  const anew = await client.refreshTokenGrant(config, tokens.refresh_token)
  say({ claims, userinfo, refreshed: anew.claims() })
} catch (error) {
  say({ error: error.error ?? error.cause?.error ?? error.code })
}
