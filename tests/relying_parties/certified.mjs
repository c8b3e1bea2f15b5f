// A client with a certificate, on oauth4webapi or openid-client: it finds where to come with it in
// the metadata, and gets tokens that are bound to it. Prints what it learnt, or its error.
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const [, , library, given] = process.argv
const { issuer, client_id, certificate, key, authority, redirect_uri } = JSON.parse(given)
const tls = { ca: readFileSync(authority) }
if (certificate) Object.assign(tls, { cert: readFileSync(certificate), key: readFileSync(key) })

// Node's own fetch has no place for a certificate, and its https has.
const fetchWithCertificate = (url, { body, headers, method, ...options }) => {
  if (!`${url}`.startsWith('https:')) return fetch(url, { body, headers, method, ...options })
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...tls, method, headers }, (answer) => {
      const pieces = []
      answer.on('data', (piece) => pieces.push(piece))
      answer.on('end', () => {
        const { statusCode: status, headers } = answer
        resolve(new Response(Buffer.concat(pieces), { status, headers }))
      })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : `${body}`)
  })
}

const pushed = async () => {
  const verifier = oauth.generateRandomCodeVerifier()
  return {
    client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'read',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
}

async function withOauth4webapi() {
  const url = new URL(issuer)
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: fetchWithCertificate,
  }
  const client = { client_id, use_mtls_endpoint_aliases: true }
  const discovered = await oauth.discoveryRequest(url, options)
  const server = await oauth.processDiscoveryResponse(url, discovered)
  const authentication = oauth.TlsClientAuth()
  const answer = await oauth.clientCredentialsGrantRequest(
    server, client, authentication, new URLSearchParams({ scope: 'read' }), options,
  )
  const tokens = await oauth.processClientCredentialsResponse(server, client, answer)
  const asked = new URLSearchParams(await pushed())
  const put = await oauth.pushedAuthorizationRequest(
    server, client, authentication, asked, options,
  )
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, put)
  return { access_token: tokens.access_token, token_type: tokens.token_type, request_uri }
}

async function withOpenidClient() {
  const config = await openid.discovery(
    new URL(issuer),
    client_id,
    { use_mtls_endpoint_aliases: true },
    openid.TlsClientAuth(),
    { execute: [openid.allowInsecureRequests], [openid.customFetch]: fetchWithCertificate },
  )
  const tokens = await openid.clientCredentialsGrant(config, { scope: 'read' })
  const url = await openid.buildAuthorizationUrlWithPAR(config, await pushed())
  return {
    access_token: tokens.access_token,
    token_type: tokens.token_type,
    request_uri: url.searchParams.get('request_uri'),
  }
}

const run = { oauth4webapi: withOauth4webapi, 'openid-client': withOpenidClient }[library]
const learnt = await run().catch(({ code, status }) => ({ code, status }))
console.log(JSON.stringify(learnt))
