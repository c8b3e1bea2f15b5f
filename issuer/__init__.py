"""A stateless OAuth 2.0 token issuer: a registry file, a key ring file, and no token database."""
