"""What the TLS of a connection says of its client."""

import ssl
from asyncio import BaseTransport


def extensions(transport: BaseTransport) -> dict[str, object]:
    """The TLS extension of ASGI, as far as it is read here: the certificate that the client showed
    in its handshake, in PEM; none where it showed none, or was not asked.

    What leads from it to its authority Python does not tell before version 3.13.
    """
    session = transport.get_extra_info("ssl_object")
    der = session.getpeercert(binary_form=True) if session is not None else None
    return {"tls": {"client_cert_chain": () if der is None else (ssl.DER_cert_to_PEM_cert(der),)}}
